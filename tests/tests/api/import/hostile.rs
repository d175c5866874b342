//! Files that somebody has made who means no good.

use super::*;
use crate::dice::Dice;

/// Lines that are almost right, broken by chance.
#[tokio::test]
async fn no_file_makes_it_fall() {
    let app = App::start(local::StackOptions { instances: 1, ..local::StackOptions::default() }).await;
    let mut dice = Dice::of(0x5EED_1234_ABCD_0002);
    let whole: Vec<Value> =
        (0..2000).map(|number| user(&format!("{number:032}"), &format!("{number}-hostile@example.com"))).collect();
    let mut text = Vec::new();
    for (number, line) in whole.iter().enumerate() {
        let mut bytes = line.to_string().into_bytes();
        // One line in four stays as it is.
        for _ in 0..number % 4 {
            damage(&mut bytes, &mut dice);
        }
        text.extend(bytes);
        text.push(b'\n');
    }
    text.extend(vec![b'['; 500_000]);
    let file = Lines::of_text(&text);
    for from in ["better-auth", "auth-js", "cognito"] {
        let run = run(&app, from, &file, &[]).await;
        assert_eq!(run.code, Some(1), "{}", run.said);
        assert!(!run.said.contains("panic"), "{}", run.said);
        let all = format!("{:?}{}", run.report, run.said);
        assert!(!all.contains(&HASH[33..49]), "a hash is told");
        if from == "better-auth" {
            assert!(run.counts()[0] >= 500, "{}", run.said);
        }
    }
    // Not that everybody has a way in: a line may have lost password and
    // verification, and whose address it is comes in by mail.
    invariants::belong_together(&app).await;
}

/// Changes, takes away or puts in a byte, or ends the line early.
fn damage(line: &mut Vec<u8>, dice: &mut Dice) {
    if line.is_empty() {
        return;
    }
    let at = dice.roll(line.len());
    match dice.roll(4) {
        0 => line[at] = u8::try_from(dice.roll(256)).unwrap(),
        1 => drop(line.remove(at)),
        2 => line.insert(at, b"\"{}[]:,\\\n"[dice.roll(9)]),
        _ => line.truncate(at + 1),
    }
}

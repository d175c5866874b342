//! Files that somebody has made who means no good.

use shared::{adapters::OsRandom, ports::Random as _};

use super::*;

/// Lines that are almost right, broken at random.
#[tokio::test]
async fn no_file_makes_it_fall() {
    let app = App::start(local::StackOptions { instances: 1, ..local::StackOptions::default() }).await;
    app.browser().get("/get-session").await;
    let whole = users("hostile", 400);
    let mut text = Vec::new();
    for (number, line) in whole.iter().enumerate() {
        let mut bytes = line.to_string().into_bytes();
        // One line in four stays as it is.
        for _ in 0..number % 4 {
            let [high, low, with, how] = random();
            let at = (usize::from(high) << 8 | usize::from(low)) % bytes.len();
            match how % 4 {
                0 => bytes[at] = with,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"\"{}[]:,\\\n"[usize::from(with) % 9]),
                _ => bytes.truncate(at + 1),
            }
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
            assert!(run.counts()[0] >= 100, "{}", run.said);
        }
    }
    invariants::check(&app, &[]).await;
}

fn random() -> [u8; 4] {
    let mut bytes = [0; 4];
    OsRandom.fill(&mut bytes);
    bytes
}

//! How long a request hashed passwords, for its line in the log.

use std::{cell::Cell, time::Duration};

tokio::task_local! {
    static SPENT: Cell<Option<Duration>>;
}

/// Does some work, and says how long it hashed passwords; none if it did not.
pub async fn timed<T>(work: impl Future<Output = T>) -> (T, Option<Duration>) {
    SPENT
        .scope(Cell::default(), async {
            let result = work.await;
            (result, SPENT.with(Cell::get))
        })
        .await
}

/// Adds to the time of the work that this is part of, if it is timed.
pub(super) fn add(duration: Duration) {
    let _ = SPENT.try_with(|spent| spent.set(Some(spent.get().unwrap_or_default() + duration)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_spent_is_added_up_and_belongs_to_one_work() {
        let second = Duration::from_secs(1);
        add(second);
        let (inner, spent) = timed(async {
            add(second);
            add(second);
            timed(async { add(second) }).await.1
        })
        .await;
        assert_eq!((inner, spent), (Some(second), Some(2 * second)));
        assert_eq!(timed(async {}).await.1, None);
    }
}

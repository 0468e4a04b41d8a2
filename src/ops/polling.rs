//! Looking again and again until something is so.

use super::Failure;
use std::time::{Duration, Instant};

/// How long is waited between looks, four looks each; then always the last.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(200), Duration::from_secs(1)];

/// Looks until there is something, at once first; none when the time is over. A failure ends the looking.
pub async fn until<T>(
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    let deadline = Instant::now() + limit;
    for turn in 0usize.. {
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
        let now = Instant::now();
        if now >= deadline {
            break;
        }
        let pause = PAUSES.get(turn / 4).unwrap_or(&PAUSES[PAUSES.len() - 1]);
        tokio::time::sleep((*pause).min(deadline - now)).await;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_until_there_is_something_or_the_time_is_over() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut looks = 0;
        let found = runtime.block_on(until(Duration::from_secs(60), async || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        }));
        assert_eq!(found.unwrap(), Some(3));
        assert_eq!(runtime.block_on(until(Duration::ZERO, async || Ok(None::<()>))).unwrap(), None);
        let failed =
            runtime.block_on(until(Duration::from_secs(60), async || Err::<Option<()>, _>(Failure::message("x"))));
        assert!(failed.is_err());
    }
}

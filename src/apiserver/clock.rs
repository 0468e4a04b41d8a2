//! What time it is, for the server.

use crate::api::time::Moment;
use jiff::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock; tests bring their own.
pub type Clock = fn() -> Moment;

/// The system's clock.
pub fn system() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanoseconds: since.subsec_nanos() }
}

/// A time as HTTP headers have it (RFC 9110, section 5.6.7).
pub fn http_date(seconds: i64) -> String {
    let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}

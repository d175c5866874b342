//! The page that a browser sees when a sign-in ends nowhere else.

use super::Reply;

/// What is shown instead of a code that nobody of ours made.
const UNKNOWN: &str = "UNKNOWN";
/// Longest code that is shown.
const MAX_LENGTH: usize = 64;

/// The error page for a code. Of what the URL says only a plain code is
/// repeated; anything else shows as `UNKNOWN`.
pub fn page(code: &str) -> Reply {
    let is_plain = !code.is_empty()
        && code.len() <= MAX_LENGTH
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let code = if is_plain { code } else { UNKNOWN };
    Reply::page(include_str!("error_page.html").replace("{{code}}", code).replace("{{advice}}", advice(code)))
}

fn advice(code: &str) -> &'static str {
    match code {
        "access_denied" => "You did not give your consent. You can go back and choose another way to sign in.",
        "account_not_linked" => {
            "There is an account with this e-mail address already. Sign in the way you signed up, and link this provider from there."
        }
        "sign_in_refused" => "This account may not sign in here. Ask the people who run this site.",
        "email_not_found" => "The provider gave us no verified e-mail address. Add one there, or sign in another way.",
        "state_mismatch" | "state_not_found" => {
            "This sign-in was started in another browser, or too long ago. Please start again."
        }
        "temporarily_unavailable" => "This is a passing fault of ours. Please try again in a moment.",
        "INVALID_TOKEN" => "This link has expired or was used before. Please ask for a new one.",
        _ => "Please go back and try again. If it happens again, tell the people who run this site the code above.",
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use lambda_http::Body;
    use proptest::prelude::*;

    use super::page;

    fn html(code: &str) -> String {
        match Response::<Body>::from(page(code)).into_body() {
            Body::Text(text) => text,
            other => panic!("not text: {other:?}"),
        }
    }

    #[test]
    fn plain_codes_are_shown() {
        assert!(html("state_mismatch").contains("state_mismatch"));
        assert!(html("").contains("UNKNOWN"));
    }

    proptest! {
        #[test]
        fn markup_is_never_repeated(code in "[a-z]{0,5}[<>&\"' /=]{1,10}\\PC{0,20}") {
            prop_assert_eq!(html(&code), html("UNKNOWN"));
        }
    }
}

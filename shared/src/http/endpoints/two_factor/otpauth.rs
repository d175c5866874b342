use url::form_urlencoded;

use crate::{
    crypto::{TOTP_DIGITS, TOTP_PERIOD, TotpSecret},
    domain::Email,
    http::cookies::encode,
};

/// The address by which an authenticator takes a secret over, with parameters
/// in the order, and in the encoding, in which Better Auth writes them.
pub(super) fn uri(secret: &TotpSecret, issuer: &str, account: &Email) -> String {
    let parameters = form_urlencoded::Serializer::new(String::new())
        .append_pair("secret", &secret.to_base32())
        .append_pair("issuer", issuer)
        .append_pair("digits", &TOTP_DIGITS.to_string())
        .append_pair("period", &TOTP_PERIOD.to_string())
        .finish();
    format!("otpauth://totp/{}:{}?{parameters}", encode(issuer), encode(account.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::OsRandom;

    #[test]
    fn label_and_parameters_are_encoded_each_in_its_own_way() {
        let secret = TotpSecret::generate(&OsRandom);
        let email = Email::parse("o'brien+x@example.com").unwrap();
        let expected = format!(
            "otpauth://totp/A%20%26%20B%3A%20%C3%BC:o'brien%2Bx%40example.com?secret={}&issuer=A+%26+B%3A+%C3%BC&digits=6&period=30",
            secret.to_base32()
        );
        assert_eq!(uri(&secret, "A & B: ü", &email), expected);
    }
}

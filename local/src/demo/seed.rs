//! The demo's user, made as everybody is: by requests to the service.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    DemoUser, Places,
    client::{self, Answer},
};
use crate::{Error, Stack};

/// Says that the user of these data was made.
const MARK: &str = "demo-user";

/// Makes the user, once for each data directory: signed up, with a verified
/// address, signed out, and with the mail of a password reset.
pub(super) async fn seed(
    stack: &Stack,
    places: &Places,
    user: &DemoUser,
    directory: Option<&Path>,
) -> Result<(), Error> {
    let mark = directory.map(|directory| directory.join(MARK));
    if mark.as_ref().is_some_and(|mark| mark.exists()) {
        return Ok(());
    }
    let service = Service { stack, places };
    let sign_up = json!({ "name": user.name, "email": user.email, "password": user.password });
    let answer = service.post("/sign-up/email", &sign_up, "").await?;
    // Data of an earlier demo, of which only the mark is gone.
    if answer.status != 422 {
        service.expect(&answer, "sign-up")?;
        service.verify(user, &answer.cookies).await?;
        if !answer.cookies.is_empty() {
            let signed_out = service.post("/sign-out", &json!({}), &answer.cookies).await?;
            service.expect(&signed_out, "sign-out")?;
        }
        let reset = service.post("/request-password-reset", &json!({ "email": user.email }), "").await?;
        service.expect(&reset, "password reset")?;
    }
    match mark {
        Some(mark) => fs::write(&mark, "").map_err(Error::io(format!("writing {}", mark.display()))),
        None => Ok(()),
    }
}

struct Service<'a> {
    stack: &'a Stack,
    places: &'a Places,
}

impl Service<'_> {
    /// Follows the link of the verification mail, which is asked for if signing
    /// up has not sent it. Without the cookies of the sign-up, the user would
    /// have to choose another password.
    async fn verify(&self, user: &DemoUser, cookies: &str) -> Result<(), Error> {
        if self.verification_link(user).is_none() {
            let body = json!({ "email": user.email, "callbackURL": "/" });
            let answer = self.post("/send-verification-email", &body, "").await?;
            self.expect(&answer, "verification mail")?;
        }
        let link = self.verification_link(user).ok_or_else(|| self.fault("no verification mail came"))?;
        let path = link.strip_prefix(&self.places.web_url()).ok_or_else(|| self.fault("the link leads elsewhere"))?;
        let answer = client::send(self.places.gateway, "GET", path, &[("cookie", cookies)], "").await;
        let answer = answer.ok_or_else(|| self.fault("no answer"))?;
        self.expect(&answer, "verification")
    }

    fn verification_link(&self, user: &DemoUser) -> Option<String> {
        let mails = self.stack.mails().into_iter().filter(|mail| mail.is_to(&user.email));
        mails.flat_map(|mail| mail.links).find(|link| link.contains("/verify-email?"))
    }

    async fn post(&self, path: &str, body: &Value, cookies: &str) -> Result<Answer, Error> {
        let origin = self.places.web_url();
        let mut headers = vec![("content-type", "application/json"), ("origin", &origin)];
        if !cookies.is_empty() {
            headers.push(("cookie", cookies));
        }
        let path = format!("/api/auth{path}");
        let answer = client::send(self.places.gateway, "POST", &path, &headers, &body.to_string()).await;
        answer.ok_or_else(|| self.fault("no answer"))
    }

    fn expect(&self, answer: &Answer, what: &str) -> Result<(), Error> {
        match answer.status {
            200..400 => Ok(()),
            status => {
                let code = answer.body.get("code").and_then(Value::as_str).unwrap_or_default();
                Err(self.fault(&format!("{what} is answered {status} {code}")))
            }
        }
    }

    fn fault(&self, problem: &str) -> Error {
        Error::Program { name: "the demo's user", problem: problem.to_owned() }
    }
}

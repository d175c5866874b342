//! SES, API version 2: takes mail and keeps it.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::{
    calls::Service,
    errors,
    mailbox::{Mail, Mailbox, bare, mentioned_links},
    server,
};
use crate::{clock, http::Reply, random};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct SendEmail {
    from_email_address: String,
    destination: Destination,
    content: Content,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Destination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<String>,
    bcc_addresses: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Content {
    simple: Option<Simple>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Simple {
    subject: Part,
    body: Body,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    text: Part,
    html: Part,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Part {
    data: String,
}

pub(super) fn handle(mailbox: &Mailbox, operation: &str, body: &[u8]) -> Reply {
    let answer = |body| errors::answer(Service::Ses, StatusCode::OK, &body);
    match operation {
        "SendEmail" => match send(mailbox, body) {
            Ok(id) => answer(json!({ "MessageId": id })),
            Err(message) => errors::error(Service::Ses, 400, "BadRequestException", &message),
        },
        "GetAccount" => answer(json!({
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": true,
            "SendingEnabled": true,
            "SendQuota": { "Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0 },
        })),
        "ListEmailIdentities" => answer(json!({ "EmailIdentities": [] })),
        _ => server::unknown(Service::Ses, operation),
    }
}

fn send(mailbox: &Mailbox, body: &[u8]) -> Result<String, String> {
    let request: SendEmail = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Some(content) = request.content.simple else {
        return Err("the local stack takes only Simple content".to_owned());
    };
    let destination = request.destination;
    let to: Vec<String> =
        [destination.to_addresses, destination.cc_addresses, destination.bcc_addresses].into_iter().flatten().collect();
    if to.is_empty() {
        return Err("Destination names no address".to_owned());
    }
    if to.len() > 50 {
        return Err("Recipient count exceeds 50.".to_owned());
    }
    for address in to.iter().chain([&request.from_email_address]) {
        check(address)?;
    }
    let (subject, text, html) = (content.subject.data, content.body.text.data, content.body.html.data);
    if subject.is_empty() {
        return Err("Content.Simple.Subject is missing".to_owned());
    }
    if subject.contains(['\r', '\n']) {
        return Err("Content.Simple.Subject contains a line break".to_owned());
    }
    if text.is_empty() && html.is_empty() {
        return Err("Content.Simple.Body is missing".to_owned());
    }
    let mail = Mail {
        id: format!("{}-{}-000000", random::hex::<8>(), random::uuid()),
        from: request.from_email_address,
        links: mentioned_links(&text, &html),
        at: clock::now().format(&Rfc3339).unwrap_or_default(),
        to,
        subject,
        text,
        html,
    };
    let id = mail.id.clone();
    mailbox.add(mail).map_err(|error| format!("the mail could not be kept: {error}"))?;
    Ok(id)
}

/// What SES checks of an address before it tries to deliver.
fn check(address: &str) -> Result<(), String> {
    match bare(address).rsplit_once('@') {
        _ if address.contains(char::is_control) => Err("Address contains control characters".to_owned()),
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains(char::is_whitespace) => {
            Ok(())
        }
        _ => Err("Missing final '@domain'".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn mail() -> Value {
        json!({
            "FromEmailAddress": "App <no-reply@example.com>",
            "Destination": { "ToAddresses": ["ann@example.com"] },
            "Content": { "Simple": {
                "Subject": { "Data": "Hello" },
                "Body": { "Text": { "Data": "see http://x/y" } },
            } },
        })
    }

    #[test]
    fn keeps_what_it_accepts() {
        let mailbox = Mailbox::open(None).unwrap();
        send(&mailbox, mail().to_string().as_bytes()).unwrap();
        let kept = mailbox.all().remove(0);
        assert_eq!(kept.subject, "Hello");
        assert_eq!(kept.links, ["http://x/y"]);
        assert!(kept.is_to("ann@example.com"));
    }

    #[test]
    fn refuses_what_ses_refuses() {
        let mailbox = Mailbox::open(None).unwrap();
        let cases = [
            ("/FromEmailAddress", json!("no-reply"), "Missing final '@domain'"),
            ("/FromEmailAddress", json!(""), "Missing final '@domain'"),
            ("/Destination", json!({}), "Destination names no address"),
            ("/Destination/ToAddresses/0", json!("a@b\r\nBcc: c@d"), "Address contains control characters"),
            ("/Content", json!({ "Raw": { "Data": "" } }), "the local stack takes only Simple content"),
            ("/Content/Simple/Subject/Data", json!(""), "Content.Simple.Subject is missing"),
            ("/Content/Simple/Subject/Data", json!("a\nb"), "Content.Simple.Subject contains a line break"),
            ("/Content/Simple/Body", json!({}), "Content.Simple.Body is missing"),
        ];
        for (place, value, expected) in cases {
            let mut request = mail();
            *request.pointer_mut(place).unwrap() = value;
            assert_eq!(send(&mailbox, request.to_string().as_bytes()).unwrap_err(), expected);
        }
        assert!(mailbox.all().is_empty());
    }
}

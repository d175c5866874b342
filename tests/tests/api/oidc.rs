//! Sign-in with any OpenID Provider, played by a certified one from npm.

mod browser;
mod tokens;

use serde_json::{Value, json};
use tests::{Answer, Browser, Call};
use tokio::process::Child;
use url::Url;

use crate::{node, support::*};

/// The discovery document, below a provider.
const DOCUMENT: &str = "/.well-known/openid-configuration";
/// As in `tests/npm/oidc.mjs`. The secret has what a form and a header have to
/// encode.
const CLIENT: (&str, &str) = ("acme-client-id", "acme client+secret/c4n4ry:77");
/// Where the provider sends the people of an app that asks for itself.
const APP: &str = "http://127.0.0.1/app";

/// The running provider.
struct Acme {
    url: String,
    _child: Child,
}

impl Acme {
    /// A provider that a service with this base URL knows by this id.
    async fn start(base: &str, id: &str, options: &Value) -> Self {
        let redirect_uri = format!("{base}/callback/{id}");
        let (child, url) = node::serve("oidc.mjs", &[&options.to_string()], &[("REDIRECT_URI", &redirect_uri)]).await;
        Self { url, _child: child }
    }

    /// The entry of the clients' secret.
    fn entry(&self) -> Value {
        json!({"issuer": self.url, "clientId": CLIENT.0, "clientSecret": CLIENT.1})
    }

    /// How often a path was asked for.
    async fn requests(&self, path: &str) -> u64 {
        self.page().get(&format!("{}/__requests", self.url)).await.json()[path].as_u64().unwrap_or_default()
    }

    /// Replaces the signing key.
    async fn rotate(&self) {
        let answer = self.page().send(Call::new("POST", format!("{}/__rotate", self.url))).await;
        assert_eq!(answer.status, 200);
    }

    /// A browser on the provider's own pages.
    fn page(&self) -> Browser {
        let mut page = Browser::new(&self.url);
        page.origin = None;
        page
    }

    /// What a person does who is sent here: signs in, consents, and is sent
    /// back to the URL that is returned.
    async fn consent(&self, authorization_url: &str, email: &str) -> String {
        let mut page = self.page();
        let mut url = Url::parse(authorization_url).unwrap();
        for _ in 0..12 {
            assert!(url.as_str().starts_with(&self.url), "{url}");
            let mut answer = page.send(Call::new("GET", url.as_str())).await;
            if answer.status == 200 {
                answer = submit(&mut page, &url, &answer, email).await;
            }
            assert!((302..=303).contains(&answer.status), "{url}: {}", answer.text());
            url = url.join(answer.header("location")).unwrap();
            if !url.as_str().starts_with(&self.url) {
                return url.into();
            }
        }
        panic!("{authorization_url} leads nowhere");
    }

    /// An id token that an app of this person asks the provider for.
    async fn id_token(&self, email: &str, nonce: &str) -> String {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let url = format!(
            "{}/auth?response_type=code&client_id={}&redirect_uri={}&scope=openid+email&state=x&nonce={nonce}\
             &code_challenge={challenge}&code_challenge_method=S256",
            self.url,
            CLIENT.0,
            encoded(APP),
        );
        let code = query_of(&self.consent(&url, email).await)["code"].clone();
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={verifier}&client_id={}&client_secret={}",
            encoded(APP),
            CLIENT.0,
            encoded(CLIENT.1),
        );
        let answer = self.page().send(post_form(&format!("{}/token", self.url), form)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id_token"].as_str().unwrap().to_owned()
    }
}

/// Fills the form of a page in.
async fn submit(page: &mut Browser, url: &Url, form: &Answer, email: &str) -> Answer {
    let prompt = if form.text().contains(r#"name="prompt" value="login""#) { "login" } else { "consent" };
    let fields = format!("prompt={prompt}&login={}&password=any", encoded(email));
    page.send(post_form(url.as_str(), fields)).await
}

fn post_form(url: &str, fields: String) -> Call {
    Call::new("POST", url).header("content-type", "application/x-www-form-urlencoded").body(fields)
}

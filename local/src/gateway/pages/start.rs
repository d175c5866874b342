//! The start page: what runs, forms to try it with, and the routes.

use minijinja::{Value, context};

use super::{front_end, readable};
use crate::{aws::Mail, gateway::Gateway, http::Reply};

/// Mails that are shown.
const MAILS: usize = 5;

/// A request that the page can send, if the template has its route.
struct Call {
    method: &'static str,
    path: &'static str,
    title: &'static str,
    note: &'static str,
    fields: &'static [Field],
}

/// A field of its body.
struct Field {
    name: &'static str,
    label: &'static str,
    value: Content,
}

/// What a field has in it at first.
enum Content {
    Text(&'static str),
    /// The address of somebody who can sign in, or could.
    Email,
    /// That person's password.
    Password,
}

const NAME: Field = Field { name: "name", label: "Name", value: Content::Text("Ann") };
const NEW_EMAIL: Field = Field { name: "email", label: "E-mail", value: Content::Text("ann@example.com") };
const NEW_PASSWORD: Field =
    Field { name: "password", label: "Password", value: Content::Text("correct horse battery") };
const EMAIL: Field = Field { name: "email", label: "E-mail", value: Content::Email };
const PASSWORD: Field = Field { name: "password", label: "Password", value: Content::Password };

const CALLS: [Call; 11] = [
    Call {
        method: "POST",
        path: "/api/auth/sign-up/email",
        title: "Sign up",
        note: "",
        fields: &[NAME, NEW_EMAIL, NEW_PASSWORD],
    },
    Call { method: "POST", path: "/api/auth/sign-in/email", title: "Sign in", note: "", fields: &[EMAIL, PASSWORD] },
    Call {
        method: "POST",
        path: "/api/auth/sign-in/magic-link",
        title: "Sign in by a link",
        note: "The link is in the mail; it makes a user for an address that has none.",
        fields: &[EMAIL, Field { name: "callbackURL", label: "Where it leads", value: Content::Text("/") }],
    },
    Call {
        method: "POST",
        path: "/api/auth/sign-in/social",
        title: "Sign in with a provider",
        note: "The answer has the provider's address, to which a front end sends the browser.",
        fields: &[
            Field {
                name: "provider",
                label: "Provider: google, github, or one of your own",
                value: Content::Text("google"),
            },
            Field { name: "callbackURL", label: "Where it leads", value: Content::Text("/") },
        ],
    },
    Call {
        method: "GET",
        path: "/api/auth/get-session",
        title: "Get the session",
        note: "Whose session the cookies of this browser are, and a new access token.",
        fields: &[],
    },
    Call { method: "GET", path: "/api/auth/token", title: "Get an access token", note: "", fields: &[] },
    Call { method: "GET", path: "/api/auth/list-sessions", title: "List the sessions", note: "", fields: &[] },
    Call {
        method: "POST",
        path: "/api/auth/send-verification-email",
        title: "Verify the address",
        note: "Sends a mail if the address is not verified yet.",
        fields: &[EMAIL],
    },
    Call {
        method: "POST",
        path: "/api/auth/request-password-reset",
        title: "Ask for a new password",
        note: "The answer is the same for an address that nobody has.",
        fields: &[EMAIL],
    },
    Call {
        method: "POST",
        path: "/api/auth/reset-password",
        title: "Set a new password",
        note: "The token is in the link of the mail.",
        fields: &[
            Field { name: "newPassword", label: "New password", value: Content::Text("another correct horse") },
            Field { name: "token", label: "Token", value: Content::Text("") },
        ],
    },
    Call { method: "POST", path: "/api/auth/sign-out", title: "Sign out", note: "", fields: &[] },
];

pub(super) fn page(gateway: &Gateway) -> Reply {
    let url = format!("http://localhost:{}", gateway.port);
    let companions = gateway.companions.get();
    let listed = companions.map(|companions| companions.all.as_slice()).unwrap_or_default();
    let listed = listed
        .iter()
        .map(|one| context! { name => one.name.as_str(), url => one.url.as_str(), what => one.what.as_str() });
    let user = companions.map(|companions| {
        let user = &companions.user;
        context! { name => user.name.as_str(), email => user.email.as_str(), password => user.password.as_str() }
    });
    let values = context! {
        front_end => front_end(gateway),
        companions => listed.collect::<Vec<_>>(),
        user,
        aws_url => gateway.aws_url.as_str(),
        data => gateway.data.as_str(),
        functions => gateway.pools.len(),
        profile => parameter(gateway, "Profile").unwrap_or("the template's"),
        base_url => parameter(gateway, "BaseUrl").unwrap_or(&url).to_owned(),
        calls => calls(gateway),
        mails => mails(gateway),
        routes => routes(gateway),
        url,
    };
    super::page(gateway, "start", "The service on this machine", include_str!("start.html"), values)
}

fn parameter<'a>(gateway: &'a Gateway, name: &str) -> Option<&'a str> {
    gateway.parameters.get(name)?.as_str()
}

fn calls(gateway: &Gateway) -> Vec<Value> {
    let user = gateway.companions.get().map(|companions| &companions.user);
    let content = |content: &Content| match content {
        Content::Text(text) => (*text).to_owned(),
        Content::Email => user.map_or("ann@example.com", |user| &user.email).to_owned(),
        Content::Password => user.map_or("correct horse battery", |user| &user.password).to_owned(),
    };
    let there =
        |call: &&Call| gateway.routes.iter().any(|route| route.method == call.method && route.path == call.path);
    let described = |call: &Call| {
        let fields = call.fields.iter().map(|field| {
            context! { name => field.name, label => field.label, value => content(&field.value) }
        });
        let id = call.path.rsplit('/').next();
        context! {
            method => call.method, path => call.path, title => call.title, note => call.note, id,
            fields => fields.collect::<Vec<_>>(),
        }
    };
    CALLS.iter().filter(there).map(described).collect()
}

fn mails(gateway: &Gateway) -> Vec<Value> {
    let described = |mail: Mail| {
        let when = readable(&mail.at);
        context! {
            subject => mail.subject, to => mail.to.join(", "), links => mail.links,
            at => mail.at, when,
        }
    };
    gateway.aws.mails().into_iter().take(MAILS).map(described).collect()
}

fn routes(gateway: &Gateway) -> Vec<Value> {
    let routes = gateway.routes.iter();
    let described =
        routes.map(|route| context! { method => route.method.as_str(), path => route.path.as_str(), function => route.function.as_str() });
    described.collect()
}

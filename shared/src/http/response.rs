use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE},
};
use lambda_http::Body;
use serde::Serialize;

use super::ApiError;

const EXPOSE_HEADERS: HeaderName = HeaderName::from_static("access-control-expose-headers");

/// A response, with the headers that every answer of the service carries.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// 200 with a JSON body.
    pub fn json(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::with_json(StatusCode::OK, body)
    }

    /// 302 to a target that was checked before.
    ///
    /// # Errors
    /// 500 if the target cannot stand in a header; checked ones always can.
    pub fn redirect(target: &str) -> Result<Self, ApiError> {
        let mut reply = Self::new(StatusCode::FOUND, Body::Empty);
        reply.location(target)?;
        Ok(reply)
    }

    /// 200 with a page that loads nothing and cannot be framed.
    pub fn page(html: String) -> Self {
        let mut reply = Self::new(StatusCode::OK, Body::Text(html));
        reply.set(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        reply.set(
            HeaderName::from_static("content-security-policy"),
            HeaderValue::from_static(
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
        );
        reply
    }

    /// The envelope of an error. An error without code and message has no body.
    pub fn error(error: &ApiError) -> Self {
        #[derive(Serialize)]
        struct Envelope<'a> {
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<&'static str>,
        }
        if error.message.is_empty() && error.code.is_none() {
            return Self::new(error.status, Body::Empty);
        }
        let envelope = Envelope { message: &error.message, code: error.code };
        let mut reply = Self::with_json(error.status, &envelope)
            .unwrap_or_else(|_| Self::new(StatusCode::INTERNAL_SERVER_ERROR, Body::Empty));
        if let Some(seconds) = error.retry_after {
            reply.set(RETRY_AFTER, HeaderValue::from(seconds));
            if error.status == StatusCode::TOO_MANY_REQUESTS {
                // What Better Auth's client reads.
                reply.set(HeaderName::from_static("x-retry-after"), HeaderValue::from(seconds));
            }
        }
        reply
    }

    fn with_json(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        let text = serde_json::to_string(body).map_err(ApiError::internal)?;
        let mut reply = Self::new(status, Body::Text(text));
        reply.set(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(reply)
    }

    fn new(status: StatusCode, body: Body) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        // An answer about a person belongs in no cache, and a URL of ours may
        // carry a token that no other site should be told as the referrer.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
        headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
        headers.insert("strict-transport-security", HeaderValue::from_static("max-age=63072000"));
        Self { status, headers, body }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Sets a header.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    /// Sets the `Location` header; non-ASCII letters are percent-encoded.
    ///
    /// # Errors
    /// 500 if the target has control characters.
    pub fn location(&mut self, target: &str) -> Result<(), ApiError> {
        let ascii: String = target
            .chars()
            .map(|c| {
                if c.is_ascii() {
                    c.to_string()
                } else {
                    percent_encoding::utf8_percent_encode(
                        c.encode_utf8(&mut [0; 4]),
                        percent_encoding::NON_ALPHANUMERIC,
                    )
                    .to_string()
                }
            })
            .collect();
        self.set(LOCATION, HeaderValue::try_from(ascii).map_err(ApiError::internal)?);
        Ok(())
    }

    /// Sets a header and tells browsers that scripts of other origins may read it.
    ///
    /// # Errors
    /// 500 if the value cannot stand in a header.
    pub fn expose(&mut self, name: &'static str, value: &str) -> Result<(), ApiError> {
        let value = HeaderValue::try_from(value).map_err(ApiError::internal)?;
        self.set(HeaderName::from_static(name), value);
        let exposed = match self.headers.get(EXPOSE_HEADERS).and_then(|list| list.to_str().ok()) {
            Some(list) => format!("{list}, {name}"),
            None => name.to_owned(),
        };
        self.set(EXPOSE_HEADERS, HeaderValue::try_from(exposed).map_err(ApiError::internal)?);
        Ok(())
    }

    /// Adds a `Set-Cookie` header.
    ///
    /// # Errors
    /// 500 if the cookie cannot stand in a header; ours always can.
    pub fn set_cookie(&mut self, cookie: &str) -> Result<(), ApiError> {
        self.headers.append(SET_COOKIE, HeaderValue::try_from(cookie).map_err(ApiError::internal)?);
        Ok(())
    }
}

impl From<Reply> for Response<Body> {
    fn from(reply: Reply) -> Self {
        let mut response = Response::new(reply.body);
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        response
    }
}

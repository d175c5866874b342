use http::HeaderMap;
use lambda_http::{Body, Request, RequestExt as _, request::RequestContext};
use serde_json::Value;

use super::{
    query::Query,
    routes::{Function, ROUTES, RouteInfo},
};
use crate::config::BASE_PATH;

/// A request on its way to an endpoint.
#[derive(Debug)]
pub struct AuthRequest {
    /// Line of the route table that it matched.
    pub info: &'static RouteInfo,
    /// Parameter of the path, decoded.
    pub parameter: Option<String>,
    /// Query parameters.
    pub query: Query,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as it came.
    pub raw_body: Vec<u8>,
    /// Body as JSON; set once media type and syntax were checked.
    pub body: Option<Value>,
    /// Address of the client: whom the gateway saw, or whom a
    /// [`TrustedProxy`](super::TrustedProxy) names. No other header has a say in it.
    pub client_ip: Option<String>,
    /// The gateway's id of the request.
    pub request_id: String,
}

impl AuthRequest {
    /// The request in an event, if it is of a route that the function serves.
    pub fn from_event(function: Function, request: Request) -> Option<Self> {
        let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
        let client_ip = context.http.source_ip.clone();
        let request_id = context.request_id.clone().unwrap_or_default();
        let mut routes = ROUTES.iter().filter(|info| info.function == function);
        // The gateway has matched the route already and says which; a catch-all
        // route leaves it to the path.
        let (info, parameter) = match context.route_key.as_deref() {
            Some(key) if key != "$default" => {
                let info = routes.find(|info| is_route_key(info, key))?;
                let parameter = request
                    .path_parameters_ref()
                    .and_then(|parameters| parameters.iter().next())
                    .map(|(_, value)| value.to_owned());
                (info, parameter)
            }
            _ => {
                let path = request.raw_http_path().strip_prefix(BASE_PATH)?;
                let method = request.method().as_str();
                routes.find_map(|info| Some((info, info.matches(method, path)?.map(str::to_owned))))?
            }
        };
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let (parts, body) = request.into_parts();
        let raw_body = match body {
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        };
        Some(Self { info, parameter, query, headers: parts.headers, raw_body, body: None, client_ip, request_id })
    }

    /// A header as text. `None` if it is missing or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `User-Agent`, with everything but its first 512 characters cut off.
    pub fn user_agent(&self) -> String {
        let bytes = self.headers.get(http::header::USER_AGENT).map_or(&b""[..], |value| value.as_bytes());
        crate::domain::truncate_chars(&String::from_utf8_lossy(bytes), crate::domain::MAX_USER_AGENT_LENGTH)
    }
}

fn is_route_key(info: &RouteInfo, key: &str) -> bool {
    key.strip_prefix(info.method).and_then(|rest| rest.strip_prefix(' ')).and_then(|rest| rest.strip_prefix(BASE_PATH))
        == Some(info.path)
}

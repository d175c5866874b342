"""The API's routes, which the emulator leaves out, from the deployed template.

SAM states the routes of an HTTP API as the OpenAPI document in the API's `Body`,
and the emulator does not read it. AWS does; so what is made here is what it says:
a route with its integration for every operation, authorizers, CORS, a stage.
"""

import fnmatch
import json

METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "x-amazon-apigateway-any-method"}
CORS = {
    "allowOrigins": "AllowOrigins",
    "allowMethods": "AllowMethods",
    "allowHeaders": "AllowHeaders",
    "exposeHeaders": "ExposeHeaders",
    "allowCredentials": "AllowCredentials",
    "maxAge": "MaxAge",
}


class Gateway:
    """The HTTP API of a stack, with the routes of its template."""

    def __init__(self, stack, intrinsics):
        self.api = stack.emulator.client("apigatewayv2")
        self.lambda_ = stack.emulator.client("lambda")
        resources = intrinsics.template["Resources"]
        [(name, api)] = [item for item in resources.items() if item[1]["Type"] == "AWS::ApiGatewayV2::Api"]
        self.id = stack.resources()[name]
        document = intrinsics.resolve(api["Properties"]["Body"])
        self._clear()
        self._authorizers = self._make_authorizers(document)
        self._integrations = {}
        self.routes = {}
        for path, item in document["paths"].items():
            for method in item.keys() & METHODS:
                self._make_route(method, path, item[method])
        self._set_cors(document.get("x-amazon-apigateway-cors"))
        stages = [stage for stage in resources.values() if stage["Type"] == "AWS::ApiGatewayV2::Stage"]
        self._make_stages({intrinsics.resolve(stage["Properties"]["StageName"]) for stage in stages})

    def uninvokable(self):
        """What has a function that does not let this API call it: AWS would answer 500, the emulator does not look."""
        # The stage is any, and a parameter of the path is a star for Lambda.
        calls = [(key, uri, f"$default/{key.replace(' ', '')}") for key, uri in self.routes.items()]
        calls += [(name, uri, f"authorizers/{id}") for name, (id, uri) in self._authorizers.items()]
        return [name for name, uri, call in calls if not self._may_invoke(uri, call)]

    def _make_route(self, method, path, operation):
        stated = operation["x-amazon-apigateway-integration"]
        uri = stated["uri"]
        if uri not in self._integrations:
            integration = self.api.create_integration(
                ApiId=self.id,
                IntegrationType=stated["type"].upper(),
                IntegrationMethod=stated["httpMethod"],
                IntegrationUri=uri,
                PayloadFormatVersion=stated["payloadFormatVersion"],
            )
            self._integrations[uri] = integration["IntegrationId"]
        verb = "ANY" if method.startswith("x-") else method.upper()
        key = f"{verb} {path}"
        options = {}
        for requirement in operation.get("security", []):
            for authorizer in requirement:
                options = {"AuthorizationType": "CUSTOM", "AuthorizerId": self._authorizers[authorizer][0]}
        self.api.create_route(ApiId=self.id, RouteKey=key, Target=f"integrations/{self._integrations[uri]}", **options)
        self.routes[key] = uri

    def _make_authorizers(self, document):
        made = {}
        for name, scheme in document.get("components", {}).get("securitySchemes", {}).items():
            stated = scheme["x-amazon-apigateway-authorizer"]
            options = {
                "AuthorizerUri": stated.get("authorizerUri"),
                "AuthorizerPayloadFormatVersion": stated.get("authorizerPayloadFormatVersion"),
                "AuthorizerResultTtlInSeconds": stated.get("authorizerResultTtlInSeconds"),
                "EnableSimpleResponses": stated.get("enableSimpleResponses"),
                "IdentitySource": _sources(stated.get("identitySource", [])),
            }
            options = {key: value for key, value in options.items() if value is not None}
            kind = stated["type"].upper()
            authorizer = self.api.create_authorizer(ApiId=self.id, Name=name, AuthorizerType=kind, **options)
            made[name] = (authorizer["AuthorizerId"], stated["authorizerUri"])
        return made

    def _set_cors(self, stated):
        if stated:
            self.api.update_api(ApiId=self.id, CorsConfiguration={CORS[key]: value for key, value in stated.items()})

    def _make_stages(self, names):
        there = {stage["StageName"] for stage in self.api.get_stages(ApiId=self.id)["Items"]}
        for name in names - there:
            self.api.create_stage(ApiId=self.id, StageName=name, AutoDeploy=True)

    def _clear(self):
        """What an earlier version of the template said."""
        for route in self.api.get_routes(ApiId=self.id)["Items"]:
            self.api.delete_route(ApiId=self.id, RouteId=route["RouteId"])
        for integration in self.api.get_integrations(ApiId=self.id)["Items"]:
            self.api.delete_integration(ApiId=self.id, IntegrationId=integration["IntegrationId"])
        for authorizer in self.api.get_authorizers(ApiId=self.id)["Items"]:
            self.api.delete_authorizer(ApiId=self.id, AuthorizerId=authorizer["AuthorizerId"])

    def _may_invoke(self, uri, call):
        function = uri.split("/functions/")[1].split("/invocations")[0]
        try:
            policy = json.loads(self.lambda_.get_policy(FunctionName=function)["Policy"])
        except self.lambda_.exceptions.ResourceNotFoundException:
            return False
        region, account = function.split(":")[3:5]
        source = f"arn:aws:execute-api:{region}:{account}:{self.id}/{call}"
        return any(_allows(statement, source) for statement in policy["Statement"])


def _sources(stated):
    """Where the identity is: a list, or in OpenAPI also names with commas between them."""
    names = stated.split(",") if isinstance(stated, str) else stated
    return [name.strip() for name in names]


def _allows(statement, source):
    allowed = str(next(iter(statement.get("Condition", {}).get("ArnLike", {}).values()), ""))
    return (
        statement["Effect"] == "Allow"
        and statement["Action"] == "lambda:InvokeFunction"
        and statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        and fnmatch.fnmatchcase(source, allowed)
    )

//! What resources are called here: physical names are the logical ids, in one
//! account and region that exist nowhere else.

/// The region of the local stack.
pub const REGION: &str = "us-east-1";
/// The account of the local stack.
pub const ACCOUNT: &str = "000000000000";

/// Value of `!Ref` for a resource.
pub(super) fn reference(id: &str) -> String {
    // On AWS a secret's is its ARN; here and in ministack, its name. Secrets
    // Manager takes both.
    id.to_owned()
}

/// Value of `!GetAtt` for a resource, if the type has that attribute.
pub(super) fn attribute(id: &str, kind: &str, attribute: &str) -> Option<String> {
    Some(match (kind, attribute) {
        ("AWS::DynamoDB::Table", "Arn") => table_arn(id),
        ("AWS::DynamoDB::Table", "StreamArn") => format!("{}/stream/local", table_arn(id)),
        ("AWS::DynamoDB::Table", _) => return None,
        ("AWS::SecretsManager::Secret", "Id") => id.to_owned(),
        ("AWS::SecretsManager::Secret", _) => return None,
        ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => function_arn(id),
        ("AWS::Serverless::HttpApi", "ApiEndpoint") => "http://localhost".to_owned(),
        // Of other types only the names matter, and those are not checked.
        (_, "Arn") => format!("arn:aws:local:{REGION}:{ACCOUNT}:{id}"),
        (_, attribute) => format!("{id}.{attribute}"),
    })
}

/// ARN of a table.
pub fn table_arn(name: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

/// ARN of a function.
pub fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// Value of `!Ref` for a pseudo parameter.
pub(super) fn pseudo(name: &str) -> Option<&'static str> {
    Some(match name {
        "AWS::AccountId" => ACCOUNT,
        "AWS::Region" => REGION,
        "AWS::Partition" => "aws",
        "AWS::URLSuffix" => "amazonaws.com",
        "AWS::StackName" => "local",
        "AWS::StackId" => "arn:aws:cloudformation:us-east-1:000000000000:stack/local/local",
        _ => return None,
    })
}

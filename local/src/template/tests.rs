use serde_json::json;

use super::*;

const SMALL: &str = r#"
Parameters:
  BaseUrl: { Type: String }
  Origins: { Type: CommaDelimitedList, Default: "http://a, http://b" }
  Days: { Type: Number, Default: 7 }
  Stage: { Type: String, AllowedValues: [dev, prod], Default: dev }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
Globals:
  Function:
    Timeout: 15
    Environment:
      Variables:
        BASE: !Ref BaseUrl
        ORIGINS: !Sub ["${All},x", { All: !Join [",", !Ref Origins] }]
        TABLE: !Ref T
        ARN: !GetAtt T.Arn
        DAYS: !Ref Days
        SECOND: !Select [1, !Ref Origins]
        HOW: !If [IsProd, strict, lenient]
        GONE: !If [IsDev, !Ref AWS::NoValue, here]
        LITERAL: !Sub "${!x} ${AWS::Region} ${T.Arn}"
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: { AllowOrigins: !Ref Origins, AllowCredentials: true, MaxAge: 600 }
  OneFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: one } }
    Properties:
      MemorySize: 512
      Environment: { Variables: { DAYS: "1" } }
      Events:
        Get: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: "/x/{id}" } }
        Tick: { Type: Schedule, Properties: { Schedule: rate(1 day) } }
      Policies:
        - Statement: [{ Effect: Allow, Action: "dynamodb:GetItem", Resource: !GetAtt T.Arn }]
  OnlyInProd:
    Type: AWS::DynamoDB::Table
    Condition: IsProd
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
  S:
    Type: AWS::SecretsManager::Secret
    Properties: { GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true } }
  Rotation:
    Type: AWS::SecretsManager::RotationSchedule
    Properties:
      SecretId: !Ref S
      RotationLambdaARN: !GetAtt OneFunction.Arn
      RotationRules: { AutomaticallyAfterDays: !Ref Days }
"#;

fn base() -> Vec<(String, String)> {
    vec![("BaseUrl".to_owned(), "http://localhost:3000".to_owned())]
}

fn fault(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    Template::parse(&SMALL.replacen(from, to, 1), &base()).unwrap_err()
}

#[test]
fn reads_what_runs() {
    let template = Template::parse(SMALL, &base()).unwrap();
    let function = template.function("one").unwrap();
    assert_eq!(function.id, "OneFunction");
    assert_eq!(function.memory_mb, 512);
    assert_eq!(function.timeout.as_secs(), 15);
    let expected = [
        ("ARN", "arn:aws:dynamodb:us-east-1:000000000000:table/T"),
        ("BASE", "http://localhost:3000"),
        ("DAYS", "1"),
        ("HOW", "lenient"),
        ("LITERAL", "${x} us-east-1 arn:aws:dynamodb:us-east-1:000000000000:table/T"),
        ("ORIGINS", "http://a,http://b,x"),
        ("SECOND", "http://b"),
        ("TABLE", "T"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(function.environment, BTreeMap::from(expected));
    assert_eq!(
        function.policies,
        [json!({"Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": table_arn("T")}]})]
    );
    let keys: Vec<_> = template.routes.iter().map(Route::key).collect();
    assert_eq!(keys, ["GET /x/{id}"]);
    let cors = template.cors.unwrap();
    assert_eq!(cors.allow_origins, ["http://a", "http://b"]);
    assert_eq!(cors.max_age, Some(600));
    assert_eq!(template.tables.len(), 1, "the condition of the other does not hold");
    assert_eq!(template.tables[0].ttl_attribute.as_deref(), Some("ttl"));
    let SecretValue::Generated(generate) = &template.secrets[0].value else {
        panic!("{:?}", template.secrets);
    };
    assert_eq!((generate.password_length, generate.exclude_punctuation), (64, true));
    let [rotation] = template.rotations.as_slice() else { panic!("{:?}", template.rotations) };
    assert_eq!((rotation.secret.as_str(), rotation.function.as_str()), ("S", function_arn("OneFunction").as_str()));
    assert_eq!(rotation.rules, json!({"AutomaticallyAfterDays": 7}), "a number, though parameters are text");
    assert!(rotation.at_once);
}

#[test]
fn faults_name_their_place() {
    let cases = [
        (
            "!Ref BaseUrl",
            "!Ref BaseUri",
            "Globals.Function.Environment.Variables.BASE: !Ref BaseUri: there is no such parameter or resource",
        ),
        (
            "!GetAtt T.Arn",
            "!GetAtt U.Arn",
            "Globals.Function.Environment.Variables.ARN: !GetAtt U.Arn: there is no such resource",
        ),
        (
            "!GetAtt T.Arn",
            "!GetAtt T.Colour",
            "Globals.Function.Environment.Variables.ARN: !GetAtt T.Colour: AWS::DynamoDB::Table has no such attribute",
        ),
        (
            "!Ref Days",
            "!ImportValue x",
            "Globals.Function.Environment.Variables.DAYS: !ImportValue is not known to the local stack",
        ),
        ("Method: get, ", "", "Resources.OneFunction.Properties.Events.Get needs both Method and Path, or neither"),
        (
            "/x/{id}",
            "/x/{id+}/y",
            "Resources.OneFunction.Properties.Events.Get.Path /x/{id+}/y: a greedy parameter must be the last segment",
        ),
        (
            "Tick: { Type: Schedule, Properties: { Schedule: rate(1 day) } }",
            r#"Two: { Type: HttpApi, Properties: { Method: GET, Path: "/x/{id}" } }"#,
            "Resources.OneFunction.Properties.Events.Two: the route GET /x/{id} is already that of Resources.OneFunction.Properties.Events.Get",
        ),
        ("SecretId: !Ref S", "SecretId: !Ref T", "Resources.Rotation: there is no secret T"),
        ("      SecretId: !Ref S\n", "", "Resources.Rotation.Properties has no SecretId"),
        (
            "!GetAtt OneFunction.Arn",
            "!GetAtt T.Arn",
            "Resources.Rotation: there is no function arn:aws:dynamodb:us-east-1:000000000000:table/T",
        ),
        (
            "AutomaticallyAfterDays: !Ref Days",
            "AutomaticallyAfterDays: !Ref Stage",
            "Resources.Rotation.Properties.RotationRules.AutomaticallyAfterDays is no number",
        ),
        ("!Equals [!Ref Stage, prod]", "!Condition IsDev", "Conditions.IsDev depends on itself"),
        ("Default: dev", "Default: live", "Parameters.Stage must be one of dev, prod, not \"live\""),
        (
            "Metadata: { BuildProperties: { Binary: one } }",
            "Metadata: {}",
            "Resources.OneFunction.Metadata.BuildProperties names no Binary",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(fault(from, to), expected);
    }
    assert_eq!(Template::parse(SMALL, &[]).unwrap_err(), "Parameters.BaseUrl has no Default, and no value is given");
    let unknown = [base(), vec![("Colour".to_owned(), "red".to_owned())]].concat();
    assert_eq!(Template::parse(SMALL, &unknown).unwrap_err(), "Parameters has no Colour");
}

#[test]
fn the_template_of_this_project_is_readable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let origins = vec![("TrustedOrigins".to_owned(), "http://localhost:3001".to_owned())];
    let template = Template::read(&path, &[base(), origins].concat()).unwrap();
    assert!(template.function("session").is_some());
    assert!(template.cors.is_some());
    for route in &template.routes {
        assert!(template.function(&route.function).is_some(), "{}", route.place);
    }
}

//! The functions of a template as processes.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use tokio::task::JoinSet;

use crate::{
    Error, StackOptions, build,
    logs::Logs,
    runtime::{Launch, Pool, environment},
    template::{Template, function_arn},
};

/// The command of each function, built if need be.
pub(crate) async fn commands(
    options: &StackOptions,
    template: &Template,
) -> Result<HashMap<String, Vec<String>>, Error> {
    let mut commands = options.commands.clone();
    let names = template.functions.iter().map(|function| function.name.clone());
    let to_build: Vec<String> = names.filter(|name| !commands.contains_key(name)).collect();
    if options.build && !to_build.is_empty() {
        build::build(&to_build, options.release).await?;
    }
    for name in to_build {
        let path = build::binary(&name, options.release);
        if !path.is_file() {
            return Err(Error::Build(format!("there is no {}", path.display())));
        }
        commands.insert(name, vec![path.to_string_lossy().into_owned()]);
    }
    Ok(commands)
}

/// A pool for each function. Nothing is started yet.
pub(crate) fn pools(
    options: &StackOptions,
    template: &Template,
    commands: &HashMap<String, Vec<String>>,
    aws_url: &str,
    logs: &Logs,
) -> HashMap<String, Arc<Pool>> {
    let mut pools = HashMap::new();
    for function in &template.functions {
        let Some([program, arguments @ ..]) = commands.get(&function.name).map(Vec::as_slice) else {
            continue;
        };
        let program = Path::new(program);
        let launches = (1..=options.instances.max(1)).map(|number| Launch {
            name: function.name.clone(),
            arn: function_arn(&function.id),
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            environment: environment(function, number, program, aws_url, &options.env),
            directory: None,
            output: logs.sink(&function.name, !options.quiet),
        });
        pools.insert(function.name.clone(), Pool::new(launches.collect(), function.timeout));
    }
    pools
}

/// The pools by the ARN of their function.
pub(crate) fn by_arn(template: &Template, pools: &HashMap<String, Arc<Pool>>) -> BTreeMap<String, Arc<Pool>> {
    let functions = template.functions.iter();
    functions.filter_map(|function| Some((function_arn(&function.id), pools.get(&function.name)?.clone()))).collect()
}

/// Starts the first instance of each function, all at once.
pub(crate) async fn warm(pools: &HashMap<String, Arc<Pool>>) -> Result<(), Error> {
    let mut starting = JoinSet::new();
    for pool in pools.values() {
        let pool = pool.clone();
        starting.spawn(async move { pool.warm().await });
    }
    while let Some(result) = starting.join_next().await {
        if let Ok(Err(error)) = result {
            return Err(error);
        }
    }
    Ok(())
}

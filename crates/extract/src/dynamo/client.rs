//! Requests to DynamoDB that are turned away are made again, a bounded number of times, and that is said.

use crate::error::ExtractError;
use crate::job::LandJob;
use crate::watch::{Watch, heed};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// Answers that ask for patience.
const THROTTLED: [&str; 4] =
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException"];
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A table of one region.
pub(crate) struct Client {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

/// One request of a segment.
pub(crate) struct Ask<'a> {
    pub segment: i32,
    pub segments: i32,
    pub after: Option<HashMap<String, AttributeValue>>,
    /// Items that may be read.
    pub limit: Option<i32>,
    /// Attributes that are wanted.
    pub attributes: &'a [String],
}

impl Client {
    /// Keys come from the environment alone; nothing else on the machine is asked.
    pub(crate) fn new(
        job: &LandJob<'_>,
        table: &str,
        endpoint: Option<&str>,
        region: &str,
    ) -> Result<Client, ExtractError> {
        let variable = |name: &str| {
            job.outside.variable(name).ok_or_else(|| ExtractError::Scan {
                table: table.to_owned(),
                reason: format!("there are no keys: the variable {name} is not set"),
                source: None,
            })
        };
        let session = job.outside.variable("AWS_SESSION_TOKEN");
        let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(10))
            .operation_attempt_timeout(Duration::from_secs(60))
            .build();
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new(id, secret, session, None, "environment"))
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled());
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(Client { client: aws_sdk_dynamodb::Client::from_conf(config.build()), table: table.to_owned() })
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Names of the table's key attributes.
    pub(crate) async fn key(&self, job: &LandJob<'_>, watch: &dyn Watch) -> Result<String, ExtractError> {
        let ask = || self.client.describe_table().table_name(&self.table).send();
        let described = self.patiently(job, watch, 0, ask).await?;
        let schema = described.table().map(|table| table.key_schema()).unwrap_or_default();
        Ok(schema.iter().map(|element| element.attribute_name()).collect::<Vec<_>>().join(", "))
    }

    /// One answer of a scan.
    pub(crate) async fn scan(
        &self,
        job: &LandJob<'_>,
        watch: &dyn Watch,
        ask: &Ask<'_>,
    ) -> Result<ScanOutput, ExtractError> {
        // Names go as placeholders: many plain words are reserved.
        let names: HashMap<String, String> =
            ask.attributes.iter().enumerate().map(|(at, name)| (format!("#a{at}"), name.clone())).collect();
        let wanted: Vec<String> = (0..ask.attributes.len()).map(|at| format!("#a{at}")).collect();
        let send = || {
            self.client
                .scan()
                .table_name(&self.table)
                .segment(ask.segment)
                .total_segments(ask.segments)
                .set_exclusive_start_key(ask.after.clone())
                .set_limit(ask.limit)
                .projection_expression(wanted.join(", "))
                .set_expression_attribute_names(Some(names.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
        };
        self.patiently(job, watch, ask.segment.unsigned_abs(), send).await
    }

    /// `offset` keeps segments that are turned away together from coming back together.
    async fn patiently<T, E, Sending>(
        &self,
        job: &LandJob<'_>,
        watch: &dyn Watch,
        offset: u32,
        mut ask: impl FnMut() -> Sending,
    ) -> Result<T, ExtractError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        Sending: Future<Output = Result<T, SdkError<E>>>,
    {
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let error = match heed(watch, ask()).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let reason = reason(&error);
            if tries >= job.limits.tries.max(1) || !passes(&error) {
                return Err(ExtractError::Scan { table: self.table.clone(), reason, source: source(error) });
            }
            let pause = wait + Duration::from_millis(u64::from(offset % 97) * 11);
            watch.say(&format!("DynamoDB turned a request away ({reason}); waits {} ms", pause.as_millis()));
            heed(watch, job.outside.wait(pause)).await?;
            wait = (wait * 2).min(LONGEST_WAIT);
            tries += 1;
        }
    }
}

/// Whether the same request may go well a little later.
fn passes<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ServiceError(answer) => {
            answer.err().code().is_some_and(|code| THROTTLED.contains(&code)) || answer.raw().status().is_server_error()
        }
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_timeout() || failure.is_io(),
        _ => false,
    }
}

/// The code and the first line of the message; further lines can hold what was signed.
fn reason<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or("no code");
            let status = answer.raw().status().as_u16();
            let message = answer.err().message().unwrap_or_default().lines().next().unwrap_or_default();
            let message: String = message.chars().take(200).collect();
            if message.is_empty() { format!("{code}, status {status}") } else { format!("{code}: {message}") }
        }
        SdkError::TimeoutError(_) => "it did not answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "it could not be reached".to_owned(),
        SdkError::ResponseError(_) => "its answer could not be read".to_owned(),
        _ => "the request could not be made".to_owned(),
    }
}

/// The cause of a failure on the way; an answer's own error is told by its reason.
fn source<E: Error + Send + Sync + 'static>(error: SdkError<E>) -> Option<Box<dyn Error + Send + Sync>> {
    match error {
        SdkError::ServiceError(_) => None,
        error => error.into_source().ok(),
    }
}

//! A table's rows as Arrow batches, streamed by the engine.

use crate::error::StageError;
use crate::watch::Watch;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit as ArrowUnit};
use arrow::error::ArrowError;
use assay_lake::{LakeField, Snapshot};
use polars::prelude::{Column, DataFrame, DataType, Engine, LazyFrame, PolarsError, TimeUnit};
use polars_plan::callback::PlanCallback;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

const BATCH_ROWS: usize = 16_384;
/// Batches that wait between the engine and the writer.
const AHEAD: usize = 2;

/// The schema of these columns of a table, in this order.
pub(super) fn schema(snapshot: &Snapshot, columns: &[String]) -> Result<SchemaRef, StageError> {
    let field = |name: &String| {
        let field = snapshot.fields().iter().find(|field| field.name == *name);
        field.ok_or_else(|| StageError::CopyColumn { column: name.clone() }).and_then(arrow_field)
    };
    Ok(Arc::new(Schema::new(columns.iter().map(field).collect::<Result<Vec<_>, _>>()?)))
}

/// Gives the frame's batches in the frame's order, a few ahead of `take`.
pub(super) fn each(
    frame: LazyFrame,
    watch: &dyn Watch,
    mut take: impl FnMut(&DataFrame) -> Result<(), StageError>,
) -> Result<(), StageError> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<DataFrame>(AHEAD);
        let query = scope.spawn(move || -> Result<(), PolarsError> {
            let give = PlanCallback::new(move |batch: DataFrame| Ok(send.send(batch).is_err()));
            let sink = frame.sink_batches(give, true, NonZeroUsize::new(BATCH_ROWS))?;
            sink.collect_with_engine(Engine::Streaming).map(drop)
        });
        let mut taken = Ok(());
        for batch in receive.iter() {
            taken = if watch.cancelled() { Err(StageError::Cancelled) } else { take(&batch) };
            if taken.is_err() {
                break;
            }
        }
        // Ends the query, which then finds nobody to give to.
        drop(receive);
        let ended = query.join();
        taken?;
        match ended {
            Ok(done) => done.map_err(StageError::CopyRead),
            Err(_) => Err(StageError::ThreadLost),
        }
    })
}

/// The named columns of a frame as a batch.
pub(super) fn batch(frame: &DataFrame, schema: &SchemaRef) -> Result<RecordBatch, StageError> {
    let columns = schema.fields().iter().map(|field| {
        let column = frame.column(field.name()).map_err(StageError::CopyRead)?;
        array(column, field)
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(StageError::CopyRows)
}

fn arrow_field(field: &LakeField) -> Result<Field, StageError> {
    let unsupported = || StageError::CopyColumn { column: field.name.clone() };
    let kind = match &field.kind {
        DataType::String => ArrowType::Utf8,
        DataType::Int8 => ArrowType::Int8,
        DataType::Int16 => ArrowType::Int16,
        DataType::Int32 => ArrowType::Int32,
        DataType::Int64 => ArrowType::Int64,
        DataType::Float32 => ArrowType::Float32,
        DataType::Float64 => ArrowType::Float64,
        DataType::Boolean => ArrowType::Boolean,
        DataType::Date => ArrowType::Date32,
        DataType::Datetime(TimeUnit::Microseconds, None) => ArrowType::Timestamp(ArrowUnit::Microsecond, None),
        DataType::Datetime(TimeUnit::Microseconds, Some(_)) => {
            ArrowType::Timestamp(ArrowUnit::Microsecond, Some("UTC".into()))
        }
        DataType::Decimal(precision, scale) => ArrowType::Decimal128(
            u8::try_from(*precision).map_err(|_| unsupported())?,
            i8::try_from(*scale).map_err(|_| unsupported())?,
        ),
        _ => return Err(unsupported()),
    };
    Ok(Field::new(&field.name, kind, true))
}

fn array(column: &Column, field: &Field) -> Result<ArrayRef, StageError> {
    let array = fallible(column, field).map_err(StageError::CopyRead)?;
    array.ok_or_else(|| StageError::CopyColumn { column: field.name().clone() })?.map_err(StageError::CopyRows)
}

type Built = Option<Result<ArrayRef, ArrowError>>;

fn fallible(column: &Column, field: &Field) -> Result<Built, PolarsError> {
    let array: ArrayRef = match field.data_type() {
        ArrowType::Utf8 => Arc::new(column.str()?.iter().collect::<StringArray>()),
        ArrowType::Int8 => Arc::new(column.i8()?.iter().collect::<Int8Array>()),
        ArrowType::Int16 => Arc::new(column.i16()?.iter().collect::<Int16Array>()),
        ArrowType::Int32 => Arc::new(column.i32()?.iter().collect::<Int32Array>()),
        ArrowType::Int64 => Arc::new(column.i64()?.iter().collect::<Int64Array>()),
        ArrowType::Float32 => Arc::new(column.f32()?.iter().collect::<Float32Array>()),
        ArrowType::Float64 => Arc::new(column.f64()?.iter().collect::<Float64Array>()),
        ArrowType::Boolean => Arc::new(column.bool()?.iter().collect::<BooleanArray>()),
        ArrowType::Date32 => Arc::new(column.date()?.physical().iter().collect::<Date32Array>()),
        ArrowType::Timestamp(ArrowUnit::Microsecond, zone) => {
            let values = column.datetime()?.physical().iter().collect::<TimestampMicrosecondArray>();
            Arc::new(values.with_timezone_opt(zone.clone()))
        }
        ArrowType::Decimal128(precision, scale) => {
            let values = column.decimal()?.physical().iter().collect::<Decimal128Array>();
            return Ok(Some(values.with_precision_and_scale(*precision, *scale).map(|it| Arc::new(it) as ArrayRef)));
        }
        _ => return Ok(None),
    };
    Ok(Some(Ok(array)))
}

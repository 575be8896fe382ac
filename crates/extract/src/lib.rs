//! Fills bronze from what is not files: Kaggle data sets, PostgreSQL tables, DynamoDB tables.

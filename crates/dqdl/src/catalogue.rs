//! The rule types: names, parameters, what they give, what may stand behind them.

/// A rule type of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleType {
    RowCount,
    ColumnCount,
    RowCountMatch,
    SchemaMatch,
    DatasetMatch,
    ReferentialIntegrity,
    AggregateMatch,
    IsComplete,
    Completeness,
    IsUnique,
    Uniqueness,
    IsPrimaryKey,
    UniqueValueRatio,
    DistinctValuesCount,
    ColumnValues,
    ColumnLength,
    ColumnDataType,
    DataFreshness,
    Mean,
    Sum,
    StandardDeviation,
    Entropy,
    ColumnCorrelation,
    ColumnExists,
    ColumnNamesMatchPattern,
    CustomSql,
    DetectAnomalies,
    FileFreshness,
    FileSize,
    FileMatch,
    FileUniqueness,
    /// Among analyzers only.
    AllStatistics,
    /// Not portable: only some versions of the service know it.
    Variance,
}

/// What a rule type gives, and so which condition it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gives {
    /// Takes no condition.
    Boolean,
    Number,
    Text,
    Date,
    Duration,
    /// Whole numbers count as bytes.
    Size,
}

/// One way to write a rule type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Names of the parameters.
    pub parameters: &'static [&'static str],
    /// The last parameter may be written more than once.
    pub repeats: bool,
    /// The first that fits the condition counts.
    pub gives: &'static [Gives],
}

/// What is known about a rule type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub kind: RuleType,
    pub name: &'static str,
    pub forms: &'static [Form],
    /// `where` may stand behind it.
    pub filter: bool,
    /// `with threshold` may stand behind it.
    pub threshold: bool,
    /// It can say for each row whether it passes.
    pub rows: bool,
    /// It may be combined with others row by row.
    pub composite_rows: bool,
    /// One sentence.
    pub description: &'static str,
    pub example: &'static str,
}

const COLUMN: &[&str] = &["TargetColumn"];
const NUMBER: &[Gives] = &[Gives::Number];
const BOOLEAN: &[Gives] = &[Gives::Boolean];

const fn form(parameters: &'static [&'static str], gives: &'static [Gives]) -> Form {
    Form { parameters, repeats: false, gives }
}

const fn repeated(parameters: &'static [&'static str], gives: &'static [Gives]) -> Form {
    Form { parameters, repeats: true, gives }
}

/// Letters of `can`: `w` where, `t` threshold, `r` rows, `c` row by row with others.
const fn entry(
    kind: RuleType,
    name: &'static str,
    forms: &'static [Form],
    can: &[u8],
    description: &'static str,
    example: &'static str,
) -> Entry {
    let (filter, threshold) = (has(can, b'w'), has(can, b't'));
    let (rows, composite_rows) = (has(can, b'r'), has(can, b'c'));
    Entry { kind, name, forms, filter, threshold, rows, composite_rows, description, example }
}

const fn has(can: &[u8], letter: u8) -> bool {
    let mut at = 0;
    while at < can.len() {
        if can[at] == letter {
            return true;
        }
        at += 1;
    }
    false
}

const ONE_NUMBER: &[Form] = &[form(COLUMN, NUMBER)];
const ALIAS: &[Form] = &[form(&["ReferenceDatasetAlias"], NUMBER)];

/// Every rule type, in the order of [`RuleType`].
pub const ALL: &[Entry] = &[
    entry(RuleType::RowCount, "RowCount", &[form(&[], NUMBER)], b"wc", "How many rows there are.", "RowCount > 0"),
    entry(
        RuleType::ColumnCount,
        "ColumnCount",
        &[form(&[], NUMBER)],
        b"c",
        "How many columns there are.",
        "ColumnCount = 11",
    ),
    entry(
        RuleType::RowCountMatch,
        "RowCountMatch",
        ALIAS,
        b"c",
        "The number of rows, as a share of the number of rows of a reference.",
        "RowCountMatch \"reference\" >= 0.9",
    ),
    entry(
        RuleType::SchemaMatch,
        "SchemaMatch",
        ALIAS,
        b"c",
        "The share of columns that a reference has too, with the same name and type.",
        "SchemaMatch \"reference\" = 1.0",
    ),
    entry(
        RuleType::DatasetMatch,
        "DatasetMatch",
        &[
            form(&["ReferenceDatasetAlias", "KeyColumnMappings"], NUMBER),
            form(&["ReferenceDatasetAlias", "KeyColumnMappings", "MatchColumnMappings"], NUMBER),
        ],
        b"r",
        "The share of rows that a reference has too, found by their key.",
        "DatasetMatch \"reference\" \"id->order_id\" \"amount\" = 1.0",
    ),
    entry(
        RuleType::ReferentialIntegrity,
        "ReferentialIntegrity",
        &[form(&["PrimaryDatasetColumns", "ReferenceDatasetColumns"], NUMBER)],
        b"r",
        "The share of rows whose key a reference knows.",
        "ReferentialIntegrity \"product_id\" \"products.id\" = 1.0",
    ),
    entry(
        RuleType::AggregateMatch,
        "AggregateMatch",
        &[form(&["AggregateExpression1", "AggregateExpression2"], NUMBER)],
        b"c",
        "A sum or mean, as a share of one over a reference.",
        "AggregateMatch \"sum(amount)\" \"sum(reference.amount)\" = 1.0",
    ),
    entry(
        RuleType::IsComplete,
        "IsComplete",
        &[form(COLUMN, BOOLEAN)],
        b"wrc",
        "Every row has a value in the column.",
        "IsComplete \"order_id\"",
    ),
    entry(
        RuleType::Completeness,
        "Completeness",
        ONE_NUMBER,
        b"wr",
        "The share of rows that have a value in the column.",
        "Completeness \"customer_id\" > 0.75",
    ),
    entry(
        RuleType::IsUnique,
        "IsUnique",
        &[repeated(COLUMN, BOOLEAN)],
        b"wrc",
        "No value, or combination of values, is there twice.",
        "IsUnique \"order_id\" \"line\"",
    ),
    entry(
        RuleType::Uniqueness,
        "Uniqueness",
        &[repeated(COLUMN, NUMBER)],
        b"wr",
        "The share of rows whose value is there only once.",
        "Uniqueness \"order_id\" > 0.98",
    ),
    entry(
        RuleType::IsPrimaryKey,
        "IsPrimaryKey",
        &[repeated(COLUMN, BOOLEAN)],
        b"wrc",
        "The columns identify a row: complete, and no combination twice.",
        "IsPrimaryKey \"order_id\" \"line\"",
    ),
    entry(
        RuleType::UniqueValueRatio,
        "UniqueValueRatio",
        ONE_NUMBER,
        b"wrc",
        "The share of distinct values that are there only once.",
        "UniqueValueRatio \"email\" > 0.9",
    ),
    entry(
        RuleType::DistinctValuesCount,
        "DistinctValuesCount",
        ONE_NUMBER,
        b"wrc",
        "How many different values the column has.",
        "DistinctValuesCount \"country\" between 1 and 250",
    ),
    entry(
        RuleType::ColumnValues,
        "ColumnValues",
        &[form(COLUMN, &[Gives::Text, Gives::Number, Gives::Date])],
        b"wtrc",
        "Every value of the column satisfies the condition, or a share of them.",
        "ColumnValues \"status\" in [\"open\", \"paid\"] with threshold > 0.99",
    ),
    entry(
        RuleType::ColumnLength,
        "ColumnLength",
        ONE_NUMBER,
        b"wrc",
        "Every text of the column has a length that satisfies the condition.",
        "ColumnLength \"zip\" = 5",
    ),
    entry(
        RuleType::ColumnDataType,
        "ColumnDataType",
        &[form(COLUMN, &[Gives::Text])],
        b"wtrc",
        "Every value of the column can be read as the type, or a share of them.",
        "ColumnDataType \"amount\" = \"DECIMAL(12,2)\"",
    ),
    entry(
        RuleType::DataFreshness,
        "DataFreshness",
        &[form(COLUMN, &[Gives::Duration])],
        b"wrc",
        "Every date of the column is so many hours or days before now.",
        "DataFreshness \"updated_at\" <= 24 hours",
    ),
    entry(RuleType::Mean, "Mean", ONE_NUMBER, b"wc", "The mean of the column.", "Mean \"amount\" between 10 and 20"),
    entry(RuleType::Sum, "Sum", ONE_NUMBER, b"wc", "The sum of the column.", "Sum \"amount\" > 0"),
    entry(
        RuleType::StandardDeviation,
        "StandardDeviation",
        ONE_NUMBER,
        b"wc",
        "The standard deviation of the column, of the population.",
        "StandardDeviation \"amount\" < 100.0",
    ),
    entry(
        RuleType::Entropy,
        "Entropy",
        ONE_NUMBER,
        b"wc",
        "The entropy of the column's values, in nats.",
        "Entropy \"country\" > 0.5",
    ),
    entry(
        RuleType::ColumnCorrelation,
        "ColumnCorrelation",
        &[form(&["TargetColumn1", "TargetColumn2"], NUMBER)],
        b"wc",
        "Pearson's correlation of two columns.",
        "ColumnCorrelation \"height\" \"weight\" > 0.8",
    ),
    entry(
        RuleType::ColumnExists,
        "ColumnExists",
        &[form(COLUMN, BOOLEAN)],
        b"c",
        "The column is there, spelt exactly so.",
        "ColumnExists \"order_id\"",
    ),
    entry(
        RuleType::ColumnNamesMatchPattern,
        "ColumnNamesMatchPattern",
        &[form(&["PatternToMatch"], BOOLEAN)],
        b"c",
        "The name of every column holds a match of the pattern.",
        "ColumnNamesMatchPattern \"^[a-z_]+$\"",
    ),
    entry(
        RuleType::CustomSql,
        "CustomSql",
        &[form(&["CustomSqlStatement"], &[Gives::Number, Gives::Boolean])],
        b"trc",
        "A query that gives one number, or the rows that pass.",
        "CustomSql \"select count(*) from primary where amount < 0\" = 0",
    ),
    entry(
        RuleType::DetectAnomalies,
        "DetectAnomalies",
        &[repeated(&["MetricParameter"], BOOLEAN)],
        b"c",
        "The statistic is not out of line with its history; only the service decides it.",
        "DetectAnomalies \"RowCount\"",
    ),
    entry(
        RuleType::FileFreshness,
        "FileFreshness",
        &[form(&["DataPath"], &[Gives::Date]), form(&[], &[Gives::Date])],
        b"tc",
        "Every file was written at a time that satisfies the condition.",
        "FileFreshness \"s3://bucket/orders/\" > (now() - 24 hours)",
    ),
    entry(
        RuleType::FileSize,
        "FileSize",
        &[form(&["DataPath"], &[Gives::Size]), form(&[], &[Gives::Size])],
        b"tc",
        "Every file has a size that satisfies the condition.",
        "FileSize \"s3://bucket/orders/\" between 1 KB and 2 GB",
    ),
    entry(
        RuleType::FileMatch,
        "FileMatch",
        &[
            form(&["DataPath", "CompareDataPath"], BOOLEAN),
            form(&["DataPath"], &[Gives::Text]),
            form(&[], &[Gives::Text]),
        ],
        b"c",
        "Files have the content of others, or one of the checksums.",
        "FileMatch \"s3://bucket/a/\" \"s3://bucket/b/\"",
    ),
    entry(
        RuleType::FileUniqueness,
        "FileUniqueness",
        &[form(&["DataPath"], NUMBER), form(&[], NUMBER)],
        b"c",
        "The share of files whose content is there only once.",
        "FileUniqueness \"s3://bucket/orders/\" = 1.0",
    ),
    entry(
        RuleType::AllStatistics,
        "AllStatistics",
        ONE_NUMBER,
        b"",
        "Among analyzers: records every statistic of a column, or of all.",
        "AllStatistics \"AllColumns\"",
    ),
    entry(
        RuleType::Variance,
        "Variance",
        ONE_NUMBER,
        b"wc",
        "The variance of the column, of the population; not every version of the service knows it.",
        "Variance \"amount\" < 100.0",
    ),
];

/// Names that some version of the language has, and none that this one reads.
pub const NOT_PORTABLE: &[&str] =
    &["Range", "DuplicateRowCount", "ZerosCount", "InterquartileRange", "Skewness", "Kurtosis", "Distribution"];

/// Functions of dynamic rules, with the fewest and most arguments that they take.
pub const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("last", 0, 1),
    ("avg", 1, 1),
    ("median", 1, 1),
    ("max", 1, 1),
    ("min", 1, 1),
    ("sum", 1, 1),
    ("std", 1, 1),
    ("abs", 1, 1),
    ("index", 2, 2),
];

/// Words that may stand behind `with`.
pub const TAGS: &[&str] = &[
    "threshold",
    "ignoreCase",
    "format",
    "timeZone",
    "recentFiles",
    "uriRegex",
    "filterOrder",
    "failFast",
    "matchFileName",
    "hashAlgorithm",
    "dataFrame",
];

impl RuleType {
    /// `None` for names that the language does not have; it looks at upper and lower case.
    pub fn from_name(name: &str) -> Option<RuleType> {
        ALL.iter().find(|entry| entry.name == name).map(|entry| entry.kind)
    }

    pub fn entry(self) -> &'static Entry {
        // In the order of the enum: a test holds it.
        &ALL[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The form that takes so many parameters.
    pub fn form(self, parameters: usize) -> Option<&'static Form> {
        self.entry().forms.iter().find(|form| match form.repeats {
            true => parameters >= form.parameters.len(),
            false => parameters == form.parameters.len(),
        })
    }

    /// The name under which the service lists a parameter. `index` counts from 0, `count` is how many were written.
    pub fn parameter_name(self, index: usize, count: usize) -> String {
        let Some(form) = self.form(count) else { return String::new() };
        let alone = count == 1 && matches!(self, RuleType::IsUnique | RuleType::Uniqueness);
        match form.parameters.get(index).or(form.parameters.last()) {
            Some(name) if form.repeats && !alone => format!("{name}{}", index + 1),
            Some(name) => (*name).to_owned(),
            None => String::new(),
        }
    }

    /// Whether every version of the service knows it.
    pub fn is_portable(self) -> bool {
        self != RuleType::Variance
    }

    /// Whether it may stand in `Rules`.
    pub fn is_rule(self) -> bool {
        self != RuleType::AllStatistics
    }

    /// Whether it may stand in `Analyzers` with so many parameters: all that give more than yes or no.
    pub fn is_analyzer(self, parameters: usize) -> bool {
        self.form(parameters).is_some_and(|form| form.gives != BOOLEAN)
    }

    /// Whether its value is a share from 0 to 1.
    pub fn is_ratio(self) -> bool {
        matches!(
            self,
            RuleType::Completeness
                | RuleType::Uniqueness
                | RuleType::UniqueValueRatio
                | RuleType::RowCountMatch
                | RuleType::SchemaMatch
                | RuleType::DatasetMatch
                | RuleType::ReferentialIntegrity
                | RuleType::FileUniqueness
        )
    }

    /// The name of the language that is nearest to another one, if any is near.
    pub fn nearest(name: &str) -> Option<&'static str> {
        let wanted = name.to_ascii_lowercase();
        ALL.iter()
            .map(|entry| {
                (strsim::normalized_damerau_levenshtein(&wanted, &entry.name.to_ascii_lowercase()), entry.name)
            })
            .filter(|(score, _)| *score > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        assert_eq!(ALL.len(), 33);
        for (index, entry) in ALL.iter().enumerate() {
            assert_eq!(entry.kind as usize, index, "{}", entry.name);
            assert_eq!(format!("{:?}", entry.kind), entry.name);
        }
        assert_eq!(ALL.iter().map(|entry| entry.forms.len()).sum::<usize>(), 39);
    }

    #[test]
    fn every_example_is_of_its_type_and_reads() {
        for entry in ALL {
            let section = if entry.kind.is_rule() { "Rules" } else { "Analyzers" };
            let ruleset = crate::parse(&format!("{section} = [ {} ]", entry.example)).unwrap();
            let kind = match ruleset.rules.first() {
                Some(rule) => rule.checks().next().unwrap().kind,
                None => ruleset.analyzers[0].kind,
            };
            assert_eq!(kind, entry.kind);
        }
    }

    #[test]
    fn names_are_found_near_and_exact() {
        assert_eq!(RuleType::from_name("isComplete"), None);
        assert_eq!(RuleType::nearest("isComplete"), Some("IsComplete"));
        assert_eq!(RuleType::nearest("CustomSQL"), Some("CustomSql"));
        assert_eq!(RuleType::nearest("Compleness"), Some("Completeness"));
        assert_eq!(RuleType::nearest("Elephants"), None);
    }
}

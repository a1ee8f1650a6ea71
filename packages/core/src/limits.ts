// Every limit of the platform's own language and of MLflow 3.17's server, with where it comes from.

// Filters and order_by: ours. MLflow has none but sqlparse's 10,000 tokens, and takes quadratic time before it.
export const MAX_FILTER_LENGTH = 65_536;
export const MAX_FILTER_CLAUSES = 100;
export const MAX_FILTER_NESTING = 100;
export const MAX_FILTER_LIST = 1_000;

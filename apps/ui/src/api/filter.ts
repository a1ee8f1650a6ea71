// Text in MLflow's filter language and its order_by.

/** A literal for `ILIKE`. The language cannot escape: where both quotes occur, one becomes the any-character wildcard. */
export function likePattern(text: string): string {
  if (!text.includes("'")) return `'%${text}%'`;
  if (!text.includes('"')) return `"%${text}%"`;
  return `'%${text.replaceAll("'", '_')}%'`;
}

/** A column id as the page's URL has it, `metrics.val/loss`, as an identifier of the filter language. */
export function identifier(column: string): string {
  const dot = column.indexOf('.');
  if (dot < 0) return `attributes.${column}`;
  return `${column.slice(0, dot)}.\`${column.slice(dot + 1)}\``;
}

/** `-metrics.loss` (descending) or `metrics.loss` (ascending) as an order_by clause. */
export function orderBy(sort: string): string {
  return sort.startsWith('-') ? `${identifier(sort.slice(1))} DESC` : `${identifier(sort)} ASC`;
}

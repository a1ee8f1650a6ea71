export { type ExportOptions, type ExportReport, exportBundle } from './export.ts';
export { type ImportOptions, importAll } from './import.ts';
export { ImportReport } from './import-report.ts';
export type { ImportSource } from './records.ts';
export { openSource, type SourceOptions } from './sources/open-source.ts';

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report, ReportRow } from '../report.ts';
import { projectFolder } from '../support/project.ts';

/** What a benchmark has left in `bench/results/`; a row or a field that is asked for and missing is an error. */
export class Results {
  readonly name: string;
  readonly rows: readonly ReportRow[];
  /** What it was measured on, as one text. */
  readonly machine: string;
  /** When it ended, to the minute. */
  readonly when: string;

  constructor(report: Report) {
    this.name = report.name;
    this.rows = report.rows;
    this.machine = JSON.stringify(report.machine);
    this.when = `${report.date.slice(0, 10)} ${report.date.slice(11, 16)} UTC`;
  }

  /** False until the benchmark was run for the first time. */
  static has(name: string): boolean {
    return existsSync(pathOf(name));
  }

  static read(name: string): Results {
    const report: Report = JSON.parse(readFileSync(pathOf(name), 'utf8'));
    return new Results(report);
  }

  /** The one row that has all the values of `wanted`. */
  row(wanted: ReportRow): ReportRow {
    const found = this.all(wanted);
    const [row] = found;
    if (row === undefined || found.length > 1) {
      throw new Error(`${found.length} rows of ${this.name} have ${JSON.stringify(wanted)}, and not one`);
    }
    return row;
  }

  all(wanted: ReportRow): readonly ReportRow[] {
    const fields = Object.entries(wanted);
    return this.rows.filter((row) => fields.every(([name, value]) => row[name] === value));
  }

  /** Of the rows that have the field. */
  largest(field: string): number {
    return Math.max(
      ...this.rows.filter((row) => row[field] !== undefined).map((row) => numberOf(row, field)),
    );
  }
}

export function numberOf(row: ReportRow, field: string): number {
  const value = row[field];
  if (typeof value !== 'number') throw new Error(`${JSON.stringify(row)} has no number ${field}`);
  return value;
}

function pathOf(name: string): string {
  return join(projectFolder, 'bench', 'results', `${name}.json`);
}

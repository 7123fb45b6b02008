import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { projectFolder, projectVersion } from './support/project.ts';

/** One measurement: a flat object whose fields end in their unit (`latencyP99Ms`, `writesPerSecond`). */
export type ReportRow = Readonly<Record<string, string | number | boolean | null>>;

export type Report = {
  readonly name: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  /** When the run ended, in UTC. */
  readonly date: string;
  readonly rows: readonly ReportRow[];
};

/** Prints the rows as tables and writes `bench/results/<name>.json`. Returns the path of that file. */
export function report(name: string, rows: readonly ReportRow[]): string {
  const content: Report = {
    name,
    machine: describeMachine(),
    versions: { ottla: projectVersion(), node: process.versions.node, v8: process.versions.v8 },
    date: new Date().toISOString(),
    rows,
  };
  const folder = join(projectFolder, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  // Renamed into place, so that a run which is cut off leaves the results of the one before it whole.
  writeFileSync(`${path}.next`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${path}.next`, path);
  console.log(`\n${formatTables(rows)}\n\nwritten to bench/results/${name}.json`);
  return path;
}

/** What the figures depend on; nothing that names a machine. */
function describeMachine(): Report['machine'] {
  const processors = cpus();
  return {
    platform: `${process.platform} ${process.arch}`,
    processor: processors[0]?.model.trim() || 'unknown',
    processorCount: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

/** Rows with the same fields stand in one table, in the order in which they were measured. */
export function formatTables(rows: readonly ReportRow[]): string {
  const tables = new Map<string, ReportRow[]>();
  for (const row of rows) {
    const shape = Object.keys(row).join('\0');
    const table = tables.get(shape);
    if (table === undefined) tables.set(shape, [row]);
    else table.push(row);
  }
  return [...tables.values()].map(formatTable).join('\n\n');
}

function formatTable(rows: readonly ReportRow[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => formatCell(row[name] ?? null)))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)));
  const isNumeric = names.map((name) => rows.every((row) => typeof row[name] !== 'string'));
  return cells
    .map((line) =>
      line
        .map((cell, column) =>
          isNumeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function formatCell(value: ReportRow[string]): string {
  if (typeof value !== 'number') return value === null || value === undefined ? '–' : String(value);
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

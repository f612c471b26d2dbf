/** realizar bench hypotheses: which of the first Realizar's hypotheses hold for this engine, on this machine. */
import type { Command } from 'commander';
import { load } from '../index-node.js';
import { describeMachine, node } from '../platform/node.js';
import { version } from '../version.js';
import { type Claim, claims, type Setting } from './hypotheses/claims.js';
import { boundOf, figure, judge, type Row, type Verdict } from './hypotheses/verdict.js';
import { addFormatOption, printJson, shippedModel } from './options.js';

interface Finding extends Verdict {
  id: string;
  backend: Setting['backend'];
  /** Name of the kernels; none where there are no native ones. */
  variant?: string;
  statement: string;
  method: string;
  rows: Row[];
}

export interface Report {
  machine: string;
  rule: string;
  findings: Finding[];
}

async function kernelsOf(backend: Setting['backend']): Promise<string> {
  const model = await load(await shippedModel(), { backend, threads: 1 });
  await model.close();
  return model.info.variant;
}

async function test({ id, statement, method, measure }: Claim, setting: Setting): Promise<Finding> {
  const { backend } = setting;
  if (backend === 'native' && !setting.hasNative) return { id, backend, statement, method, rows: [], ...judge([], 'the native add-on is not built') };
  const { rows, missing } = await measure(setting);
  return { id, backend, variant: await kernelsOf(backend), statement, method, rows, ...judge(rows, missing) };
}

/** `onClaim` hears what comes next. */
export async function testHypotheses(rounds: number, onClaim: (what: string) => void): Promise<Report> {
  const findings: Finding[] = [], hasNative = node.native?.() !== undefined;
  for (const claim of claims) {
    for (const backend of ['native', 'wasm'] as const) {
      onClaim(`${claim.id}, ${backend}`);
      findings.push(await test(claim, { backend, rounds, hasNative }));
    }
  }
  return {
    machine: `realizar ${version}; ${await describeMachine()}`,
    rule: `Both sides of a comparison by turns, ${rounds} rounds after one that is not counted; medians and their 95 % confidence intervals by order statistics. `
      + 'A hypothesis holds if every interval as a whole lies within its bound.',
    findings,
  };
}

function tableOf(rows: Row[]): string[] {
  if (rows.length === 0) return [];
  const line = (row: Row) => `| ${row.of} | ${figure(row.median)} | ${figure(row.low)} to ${figure(row.high)} | ${boundOf(row)} | ${row.samples} |`;
  return ['| | median | 95 % interval | asked for | samples |\n|---|---:|---:|---:|---:|\n' + rows.map(line).join('\n')];
}

export function reportText({ machine, rule, findings }: Report): string {
  const parts = ['# Hypotheses', machine, rule];
  for (const f of findings) {
    if (f.backend === 'native') parts.push(`## ${f.id}: ${f.statement}`, f.method);
    parts.push(`### ${f.id}, ${f.variant ? `${f.backend} (${f.variant})` : f.backend}: ${f.verdict}`, `Because ${f.reason}.`, ...tableOf(f.rows));
  }
  return `${parts.join('\n\n')}\n`;
}

async function hypotheses({ format }: { format: 'md' | 'json' }): Promise<void> {
  const report = await testHypotheses(31, (what) => process.stderr.write(`${what}\n`));
  if (format === 'json') printJson(report);
  else process.stdout.write(reportText(report));
}

export function addHypotheses(bench: Command): void {
  const command = bench.command('hypotheses')
    .description("test the first Realizar's hypotheses H1 to H5, natively and in wasm")
    .action(hypotheses);
  addFormatOption(command, ['md', 'json']);
}

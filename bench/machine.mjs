// What a table of results has to say about the machine.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

const interesting = ['avx2', 'avx_vnni', 'avx512_vnni', 'amx_int8', 'asimddp', 'i8mm'];

export function describeMachine() {
  const info = readFileSync('/proc/cpuinfo', 'utf8');
  const model = info.match(/^model name\s*:\s*(.*)$/m)?.[1] ?? 'unknown processor';
  const flags = (info.match(/^(?:flags|Features)\s*:\s*(.*)$/m)?.[1] ?? '').split(' ');
  const has = interesting.filter((f) => flags.includes(f)).join(', ');
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  const chromium = spawnSync(process.env.CHROMIUM ?? 'chromium', ['--version', '--no-sandbox'], { encoding: 'utf8' }).stdout?.match(/[\d.]+/)?.[0];
  return `${model}, ${availableParallelism()} cores (${has}), ${Math.round(totalmem() / 2 ** 30)} GiB; Node.js ${process.versions.node}, `
    + `Chromium ${chromium ?? 'none'}; load before: ${load}`;
}

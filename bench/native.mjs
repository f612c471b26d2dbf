// The engine without JavaScript: bench/native.c, asked line by line.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../build/native/bench_native', import.meta.url));

export async function startNative({ path, threads, contextSize }) {
  const child = spawn(program, [path, threads, contextSize].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('bench_native has ended');
    return JSON.parse(value);
  };
  const { loadMs } = await answer();
  const generate = (prompt, tokens) => {
    child.stdin.write(`${tokens} ${prompt}\n`);
    return answer();
  };
  return { loadMs, generate, close: () => child.stdin.end() };
}

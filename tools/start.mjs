// npm start: set-up, build, then `realizar serve --demo`. Arguments go to serve.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root, say } from './lib.mjs';
import { setUp } from './setup.mjs';

setUp();
await build();
say('serving');
const child = spawn(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'serve', '--demo', ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (status) => process.exit(status ?? 0));

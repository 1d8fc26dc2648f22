// Runs one instance for a compute: `node runner.js RESULTS COMPUTE STARTED ORDER`. It is plain JavaScript, for one starts with every
// instance, and a loader for TypeScript would take longer than most of them.
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:os';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setImmediate } from 'node:timers';
import { Attempt } from './attempt.js';

const lineMax = 200;

const [root, compute, started, text] = process.argv.slice(2);
const order = JSON.parse(text);
const attempt = Attempt.begin(root, order.id, started, compute);

/** Tells the compute, which reads what was committed, and ends. */
const end = (outcome) => {
  process.stdout.write(JSON.stringify({ outcome }), () => process.exit());
};

const firstLine = (chunks) => Buffer.concat(chunks).toString().split('\n', 1)[0].slice(0, lineMax);
const lastLine = (chunks) => Buffer.concat(chunks).toString().trimEnd().split('\n').at(-1).slice(0, lineMax);

const run = () => {
  const startedAt = performance.now();
  const [program, ...args] = order.command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  // The pipe from the compute: when it closes, be it because the compute was killed, the instance ends.
  process.stdin.on('close', () => {
    child.kill('SIGKILL');
    process.exit(1);
  });
  process.stdin.resume();

  const hash = createHash('sha256');
  const [head, tail] = [[], []];
  let bytes = 0;
  let problem = '';
  child.stdout.on('data', (chunk) => {
    hash.update(chunk);
    if (bytes < 4 * lineMax) head.push(chunk);
    bytes += chunk.byteLength;
  });
  child.stderr.on('data', (chunk) => {
    tail.push(chunk);
    if (tail.length > 4) tail.shift();
  });
  child.on('error', (error) => {
    problem = error.message;
  });
  child.on('close', (code, signal) => {
    const exitCode = problem !== '' ? 127 : (code ?? 128 + constants.signals[signal]);
    const found = { exitCode, output: firstLine(head), bytes, sha256: hash.digest('hex'), problem: problem || lastLine(tail) };
    const ms = Math.round(performance.now() - startedAt);
    const commit = () => end(attempt.commit({ order: order.id, command: order.command, compute, ...found, ms }));
    // The event loop looks at all pipes between the two: one that has closed by now ends this process before it commits.
    setImmediate(() => setImmediate(commit));
  });
};

if (attempt.isDone) end('found');
else run();

#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { diagnose, formatFindings, isHealthy } from './doctor.js';
import { asCommandError, CommandError, exitCodes, formatError } from './exit.js';
import type { TopicOptions } from './find.js';
import type { ClusterOptions } from './session.js';
import type { CastOptions } from './commands/send.js';
import type { UpOptions } from './commands/up.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

const print = (text: string): void => console.log(text);

const codesHelp = `
Exit codes: 0 all is well; 1 it failed; 2 the command line, the input or a file is wrong; 3 there is no such topic, server,
method or node; 4 it was sent, and whether it was done is not known.`;

const isJson = process.argv.includes('--json');

const program = new Command('skein')
  .description('Looks after Skein: brokerless messaging for Node services.')
  .version(version)
  .exitOverride()
  // What is for machines is printed below.
  .configureOutput(isJson ? { writeErr: () => undefined } : {})
  .showHelpAfterError('Run "skein --help" to see what there is.')
  .showSuggestionAfterError()
  .addHelpText('after', codesHelp);

const wholeMs = (text: string): number => {
  if (/^\d{1,12}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('Write a whole number of ms.');
};

/** A command that talks to a cluster. */
const onCluster = (name: string, description: string, timeout = 'for each request, in ms'): Command =>
  program
    .command(name)
    .description(description)
    .option('--url <url>', 'where to look (default: SKEIN_URL, or zmq+local://)')
    .option('--timeout <ms>', timeout, wholeMs)
    .option('--json', 'print JSON');

/** One that sends to the servers of a topic. */
const onTopic = (name: string, description: string): Command =>
  onCluster(name, description)
    .option('--exchange <name>', 'the exchange of the topic (default: default)')
    .option('--on <server>', 'that server only');

const inputs = 'JSON; - reads it from standard input';

const confirm = () => new Option('--confirm <state>', 'what to wait for').choices(['accepted', 'done']).default('accepted');

program
  .command('up')
  .description('start the services of a file on this host, and look after them until Ctrl-C')
  .argument('<file>', 'YAML: see docs/cli.md')
  .option('--url <url>', 'where they meet (default: what the file says, SKEIN_URL, or zmq+local://)')
  .option('--watch', 'restart the replicas of a service, one after another, when its files change')
  .option('--json', 'print events as lines of JSON')
  .action(async (file: string, options: UpOptions) => {
    const { up } = await import('./commands/up.js');
    process.exitCode = await up(file, options);
  });

onCluster('nodes', 'list the nodes that serve something').action(async (options: ClusterOptions) => {
  const { nodes } = await import('./commands/nodes.js');
  print(await nodes(options));
});

onCluster('topics', 'list what is served, in which versions, and by whom')
  .option('--exchange <name>', 'of that exchange only')
  .action(async (options: TopicOptions) => {
    const { topics } = await import('./commands/topics.js');
    print(await topics(options));
  });

onTopic('describe', 'show the servers of a topic and its methods, each with a line that sends to it')
  .argument('<topic>')
  .action(async (topic: string, options: TopicOptions) => {
    const { describe } = await import('./commands/describe.js');
    print(await describe(topic, options));
  });

onTopic('call', 'call a method, and print its reply as JSON')
  .arguments('<topic> <method>')
  .argument('[json]', inputs)
  .action(async (topic: string, method: string, input: string | undefined, options: TopicOptions) => {
    const { call } = await import('./commands/send.js');
    print(await call({ topic, method, input }, options));
  });

onTopic('stream', 'open a stream, a sink or a channel: print what comes, and send what standard input says, one JSON a line')
  .arguments('<topic> <method>')
  .argument('[json]', 'what it is opened with')
  .action(async (topic: string, method: string, input: string | undefined, options: TopicOptions) => {
    const { stream } = await import('./commands/stream.js');
    await stream({ topic, method, input }, options);
  });

onTopic('cast', 'send to one server, without a reply')
  .arguments('<topic> <method>')
  .argument('[json]', inputs)
  .addOption(confirm())
  .action(async (topic: string, method: string, input: string | undefined, options: CastOptions) => {
    const { cast } = await import('./commands/send.js');
    print(await cast({ topic, method, input }, options));
  });

onTopic('fanout', 'send to every server of the topic, without a reply')
  .arguments('<topic> <method>')
  .argument('[json]', inputs)
  .addOption(confirm())
  .action(async (topic: string, method: string, input: string | undefined, options: CastOptions) => {
    const { fanout } = await import('./commands/send.js');
    await fanout({ topic, method, input }, options, print);
  });

onCluster(
  'drain',
  'have a node take no new work, end what it has, and leave',
  'until it has left the directory, in ms (default: 60000)',
)
  .argument('<node>')
  .action(async (node: string, options: ClusterOptions) => {
    const { drain } = await import('./commands/drain.js');
    await drain(node, options, print);
  });

program
  .command('doctor')
  .description('check this machine: Node, native packages, settings, directories, and that two nodes can talk to each other')
  .option('--json', 'print the findings as JSON')
  .action(async ({ json }: { readonly json?: boolean }) => {
    const environment = { ...process.env };
    // What they say is looked at by itself; the nodes that are started here are to be as they are by default.
    for (const name of Object.keys(environment)) if (name.startsWith('SKEIN_')) Reflect.deleteProperty(process.env, name);
    const checks = await diagnose(environment);
    const ok = isHealthy(checks);
    print(json === true ? JSON.stringify({ ok, checks }, undefined, 2) : formatFindings(checks));
    process.exitCode = ok ? exitCodes.ok : exitCodes.failed;
  });

/** What the command line itself was refused with, or the help that it asked for; people have been told. */
const usageError = ({ exitCode, message }: CommanderError): CommandError =>
  new CommandError({
    exitCode: exitCode === 0 ? exitCodes.ok : exitCodes.usage,
    message: message.replace(/^error: /, ''),
    advice: 'Run "skein --help" to see what there is.',
  });

try {
  await program.parseAsync();
} catch (thrown) {
  const isUsage = thrown instanceof CommanderError;
  const error = isUsage ? usageError(thrown) : asCommandError(thrown);
  const { code, message, advice, exitCode } = error;
  process.exitCode = exitCode;
  if (isJson && exitCode !== exitCodes.ok) console.error(JSON.stringify({ error: { code, message, advice } }));
  else if (!isUsage) console.error(formatError(error));
}

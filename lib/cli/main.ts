#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { diagnose, formatFindings, isHealthy } from './doctor.js';
import { messageOf } from './finding.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

/** Exit codes: 0 all is well, 1 it is not, 2 the command line is wrong. */
const program = new Command('skein')
  .description('Looks after Skein: brokerless messaging for Node services.')
  .version(version)
  .exitOverride()
  .showHelpAfterError('Run "skein --help" to see what there is.')
  .showSuggestionAfterError();

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
    console.log(json === true ? JSON.stringify({ ok, checks }, undefined, 2) : formatFindings(checks));
    process.exitCode = ok ? 0 : 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) console.error(messageOf(error));
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : 1;
}

import { limits } from '../../core/limits.js';
import { describeServer, drainNodeOf, type Registration } from '../../node/described.js';
import { CommandError, exitCodes } from '../exit.js';
import { groupBy, listOf } from '../find.js';
import { type ClusterOptions, listServers, type Session, withSession } from '../session.js';
import { writeValue } from '../values.js';

/** What became of one run of the node. */
interface Drained {
  readonly node: string;
  readonly id: string;
  /** What it could not finish; undefined where it is too old to tell. */
  readonly unfinished: readonly string[] | undefined;
  /** Undefined where the directory lists servers whether they run or not, and so does not tell. */
  readonly hasLeft: boolean | undefined;
}

/** `skein drain NODE`: has it drain, and waits until it has, and the directory no longer lists it. */
export const drain = (name: string, options: ClusterOptions, print: (text: string) => void): Promise<void> =>
  withSession(options, async (session) => {
    const all = await listServers(session, { timeoutMs: options.timeout });
    const own = all.filter(({ node }) => node === name);
    if (own.length === 0) throw noNode(name, all);
    const timeoutMs = options.timeout ?? limits.leaveMs;
    const drained: Drained[] = [];
    for (const run of groupBy(own, ({ incarnation }) => incarnation).values()) {
      if (options.json !== true) print(`${name} is asked to drain: to take no new work, finish what it has begun, and end`);
      const unfinished = await ask(session, run, timeoutMs);
      drained.push({ ...(await watch(session, run, timeoutMs)), unfinished });
    }
    if (options.json === true) print(writeValue(drained));
    else for (const one of drained) print(sentenceOf(one));
    refuseLeftovers(name, drained);
  });

const refuseLeftovers = (name: string, drained: readonly Drained[]): void => {
  const count = drained.reduce((sum, { unfinished = [] }) => sum + unfinished.length, 0);
  if (count > 0) {
    const message = `${name} has drained, and could not finish ${String(count)} of what it had at work`;
    throw new CommandError({ exitCode: exitCodes.failed, message, advice: 'Look at what that has done before you repeat it.' });
  }
  if (drained.every(({ hasLeft }) => hasLeft !== false)) return;
  throw new CommandError({
    exitCode: exitCodes.failed,
    message: `${name} was asked to drain, and is still listed`,
    advice: 'Look again with "skein nodes", or wait longer with --timeout MS.',
  });
};

const noNode = (name: string, all: readonly Registration[]): CommandError => {
  const nodes = all.map(({ node }) => node).filter((node) => node !== '');
  return new CommandError({
    exitCode: exitCodes.absent,
    message: `no node ${name} is listed`,
    advice: nodes.length === 0 ? 'No node is listed there at all: say with --url where to look.' : `Listed are ${listOf(nodes)}.`,
  });
};

/** By whichever of its servers answers first; throws why the last one did not. */
const ask = async ({ node }: Session, run: readonly Registration[], timeoutMs: number): Promise<Drained['unfinished']> => {
  let failure: unknown;
  for (const server of run) {
    const description = await describeServer(node, server, {}).catch((error: unknown) => {
      failure = error;
    });
    if (!description) continue;
    const { unfinished } = await drainNodeOf(node, { description, exchange: server.exchange }, { timeoutMs });
    return unfinished;
  }
  throw failure;
};

const watch = async (
  session: Session,
  [first]: readonly Registration[],
  timeoutMs: number,
): Promise<Omit<Drained, 'unfinished'>> => {
  const { node = '', incarnation: id = '' } = first ?? {};
  if (id === '') return { node, id, hasLeft: undefined };
  const isGone = (servers: readonly Registration[]) => servers.every(({ incarnation }) => incarnation !== id);
  const hasLeft = await listServers(session, { timeoutMs, until: isGone }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof CommandError) throw error;
      return false;
    },
  );
  return { node, id, hasLeft };
};

const sentenceOf = ({ node, unfinished, hasLeft }: Drained): string => {
  if (hasLeft === false) return `${node} is still listed`;
  if (unfinished === undefined) return `${node} takes no new work; what becomes of what it has begun, it does not tell`;
  if (unfinished.length === 0) return `${node} has drained, and left nothing unfinished`;
  return [`${node} has drained, and left unfinished:`, ...unfinished.map((what) => `- ${what}`)].join('\n  ');
};

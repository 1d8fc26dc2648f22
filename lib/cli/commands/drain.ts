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
  /** Undefined where the directory lists servers whether they run or not, and so does not tell. */
  readonly hasLeft: boolean | undefined;
}

/** `skein drain NODE`: asks it to drain, and waits until the directory no longer lists it. */
export const drain = (name: string, options: ClusterOptions, print: (text: string) => void): Promise<void> =>
  withSession(options, async (session) => {
    const all = await listServers(session, { timeoutMs: options.timeout });
    const own = all.filter(({ node }) => node === name);
    if (own.length === 0) throw noNode(name, all);
    const drained: Drained[] = [];
    for (const run of groupBy(own, ({ incarnation }) => incarnation).values()) {
      await ask(session, run);
      if (options.json !== true) print(`${name} was asked to drain: it takes no new work, finishes what it has begun, and ends`);
      drained.push(await watch(session, run, options.timeout ?? limits.leaveMs));
    }
    if (options.json === true) print(writeValue(drained));
    else for (const one of drained) print(sentenceOf(one));
    if (drained.every(({ hasLeft }) => hasLeft !== false)) return;
    throw new CommandError({
      exitCode: exitCodes.failed,
      message: `${name} was asked to drain, and is still listed`,
      advice: 'It may have much to end: look again with "skein nodes", or wait longer with --timeout MS.',
    });
  });

const noNode = (name: string, all: readonly Registration[]): CommandError => {
  const nodes = all.map(({ node }) => node).filter((node) => node !== '');
  return new CommandError({
    exitCode: exitCodes.absent,
    message: `no node ${name} is listed`,
    advice: nodes.length === 0 ? 'No node is listed there at all: say with --url where to look.' : `Listed are ${listOf(nodes)}.`,
  });
};

/** By whichever of its servers answers first; throws why the last one did not. */
const ask = async ({ node }: Session, run: readonly Registration[]): Promise<void> => {
  let failure: unknown;
  for (const server of run) {
    try {
      const description = await describeServer(node, server, {});
      await drainNodeOf(node, { description, exchange: server.exchange }, {});
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
};

const watch = async (session: Session, [first]: readonly Registration[], timeoutMs: number): Promise<Drained> => {
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

const sentenceOf = ({ node, hasLeft }: Drained): string => {
  if (hasLeft === undefined) {
    return `whether ${node} has ended cannot be seen: its directory lists servers whether they run or not`;
  }
  return hasLeft ? `${node} has left the directory: nothing new comes to it any more` : `${node} is still listed`;
};

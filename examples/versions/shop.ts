import { once } from 'node:events';
import { createNode, type Handlers, type Node } from 'skein';
import { Shop10, Shop11, Shop20 } from './contracts.js';

// One shop, of the release that its argument names. Where to meet and what to be called stand in the environment: SKEIN_URL, SKEIN_NAME.

const [release = ''] = process.argv.slice(2);

const cents = (item: string): number => item.length * 100;

const handlers10: Handlers<typeof Shop10> = { price: ({ item }) => ({ cents: cents(item), release }) };
const handlers11: Handlers<typeof Shop11> = { ...handlers10, stock: () => 7 };
const handlers20: Handlers<typeof Shop20> = {
  price: ({ item }) => ({ amount: { value: (cents(item) / 100).toFixed(2), currency: 'EUR' }, release }),
};

/** Release 2.0 answers the old contract too, by a second name, for as long as somebody may ask for it. */
const releases: Readonly<Record<string, (node: Node) => Promise<unknown>>> = {
  '1.0': (node) => node.serve(Shop10, handlers10),
  '1.1': (node) => node.serve(Shop11, handlers11),
  '2.0': (node) =>
    Promise.all([node.serve(Shop20, handlers20), node.serve(Shop11, handlers11, { server: `${node.name}-as-1.1` })]),
};

const serve = releases[release];
if (!serve) throw new Error(`there is no release "${release}": name one of ${Object.keys(releases).join(', ')}`);

await using node = await createNode();
await serve(node);
process.send?.('ready');
// It ends with its parent, or when that lets it go.
await once(process, 'disconnect');

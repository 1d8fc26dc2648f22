/** Small strings that travel with a request and on into the calls that its handler makes. */
export type Context = Readonly<Record<string, string>>;

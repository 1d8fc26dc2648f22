import { ends, repeats, searchSuite } from './search-suite.js';

searchSuite('calm', 1, 200, [...ends, ...repeats]);

import { ends, repeats, searchSuite } from './search-suite.js';

searchSuite('calm', 1, 100, [...ends, ...repeats]);

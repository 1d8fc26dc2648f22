import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('lossy', 1, 200, [...ends, ...breakages, ...repeats]);

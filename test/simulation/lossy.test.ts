import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('lossy', 1, 100, [...ends, ...breakages, ...repeats]);

import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('wild', 1, 300, [...ends, ...breakages, ...repeats]);

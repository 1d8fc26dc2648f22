import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('wild', 1, 400, [...ends, ...breakages, ...repeats]);

import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('wild', 1, 350, [...ends, ...breakages, ...repeats]);

import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('wild', 351, 350, [...ends, ...breakages, ...repeats]);

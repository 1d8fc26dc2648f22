import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('wild', 301, 300, [...ends, ...breakages, ...repeats]);

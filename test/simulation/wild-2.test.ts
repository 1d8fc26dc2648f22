import { breakages, ends, repeats, searchSuite } from './search-suite.js';

searchSuite('wild', 401, 400, [...ends, ...breakages, ...repeats]);

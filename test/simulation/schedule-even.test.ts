import { scheduleSuite } from './schedule-suite.js';

scheduleSuite('even', (seed) => seed % 2 === 0);

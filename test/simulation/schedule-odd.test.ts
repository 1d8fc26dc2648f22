import { scheduleSuite } from './schedule-suite.js';

scheduleSuite('odd', (seed) => seed % 2 === 1);

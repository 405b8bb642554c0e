/** The city's time, learnt from every answer: what a page counts down to is the controller's, whatever
 * the clock of the device says. */
import { createCityClock } from '@preau/contract/city-clock.ts';

export const cityClock = createCityClock();

/** Epoch ms. */
export const cityNow = cityClock.now;

import { describeRecipes } from './recipes.fixture.ts';

describeRecipes('trixie', 'Debian 13');

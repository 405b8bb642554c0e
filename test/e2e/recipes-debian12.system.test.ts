import { describeRecipes } from './recipes.fixture.ts';

describeRecipes('bookworm', 'Debian 12');

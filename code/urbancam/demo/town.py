"""The town as a drawing: everything of the plan, from the ground up."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan
from urbancam.demo.layout.site import Site
from urbancam.demo.rendering.drawing import Drawing, Sketch
from urbancam.demo.things.buildings import raise_buildings
from urbancam.demo.things.gardens import draw_gardens
from urbancam.demo.things.grounds import bridges, draw_grounds
from urbancam.demo.things.pitches import draw_sports
from urbancam.demo.things.traffic import draw_traffic
from urbancam.demo.things.trees import plant_trees
from urbancam.demo.things.yards import draw_car_parks, draw_stores, parking_spaces


def draw_town(site: Site, plan: Plan) -> Drawing:
    """Draw every object of the plan; the same site gives the same drawing."""
    sketch = Sketch()
    draw_grounds(sketch, plan, site.random(10))
    pools = draw_gardens(sketch, plan, site.random(11))
    pitches = draw_sports(sketch, plan)
    buildings = raise_buildings(sketch, plan, site.random(12))

    # In yards, stores stand where there is neither a building nor a car park.
    spaces, with_car = parking_spaces(plan, buildings, site.random(13))
    car_parks = shapely.polygons(spaces)
    draw_car_parks(sketch, spaces)
    built_over = np.concatenate([buildings, car_parks])
    draw_stores(sketch, plan, built_over, site.random(14))
    draw_traffic(sketch, plan, spaces[with_car], site.random(15))

    # Trees come last and keep off everything else.
    obstacles = [
        buildings,
        pools,
        pitches,
        car_parks,
        shapely.buffer(plan.of(landuse.WATER), -1.0),
        plan.of(landuse.RAILWAY, landuse.MOTORWAY),
        bridges(plan),
    ]
    plant_trees(sketch, plan, np.concatenate(obstacles), site.random(16))
    return sketch.freeze(site.west, site.north)

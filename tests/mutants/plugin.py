"""A plugin for the pytest of killers: any example that fails will do, so none is made smaller or kept."""

from hypothesis import Phase, settings

settings.register_profile("killer", phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile("killer")

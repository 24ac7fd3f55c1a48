"""Who else does things in a storm, beside stations and their drivers; one file each."""
